"""What can go wrong with a local run, as sentences for the person who started it."""


class LocalError(Exception):
    """Ends the run with its text and a non-zero exit."""
