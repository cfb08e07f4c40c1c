"""`counter`, the command line of a counter: watch, increment, check and load it, and deploy it."""
