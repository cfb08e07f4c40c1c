"""The error that ends a question."""


class MachineError(Exception):
    """This machine lacks what a question needs. The message says what that is, and what to do."""
