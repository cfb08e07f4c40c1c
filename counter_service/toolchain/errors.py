"""Errors of the set-up, as sentences for the person who ran the command."""


class ToolchainError(Exception):
    """Ends the command with its text and exit code 1."""
