"""What can go wrong with an audit, as sentences for the person who started it."""


class AuditError(Exception):
    """The audit could not be done: nothing is known, which is not the same as nothing found."""
