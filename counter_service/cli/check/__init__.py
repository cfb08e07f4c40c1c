"""The steps of `counter check`: what a counter must do, and what to look at if it does not."""
