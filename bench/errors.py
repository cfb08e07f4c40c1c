"""The error that ends the measurement of a question."""


class MachineError(Exception):
    """This machine lacks something that a question needs. The message says what, and what to do."""
