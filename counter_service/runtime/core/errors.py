"""The exceptions of the runtime. Their data is in attributes, their wording in `__str__`.

    CounterError
    ├── SettingsError          the function's environment is incomplete or wrong
    ├── UnknownEvent           not an API Gateway WebSocket event
    └── StoreError             a DynamoDB operation failed
        ├── StoreUnavailable   not applied, or idempotent: safe to retry
        │   └── StoreBusy      concurrent writes: retry soon
        └── OutcomeUnknown     may have been applied: a retry could apply it twice

A client's mistakes are not exceptions: `protocol.parse` returns `Invalid` for them.
"""


class CounterError(Exception):
    """Base of every exception that the runtime raises on purpose."""


class SettingsError(CounterError):
    """An environment variable is missing or has a value that the function cannot use."""

    def __init__(self, variable: str, problem: str) -> None:
        self.variable = variable
        self.problem = problem

    def __str__(self) -> str:
        return (
            f"The environment variable {self.variable} {self.problem}. "
            "Lambda or the deployment sets it: deploy the function again."
        )


class UnknownEvent(CounterError):
    """An event that neither API Gateway's WebSocket API nor the function itself sends."""

    def __init__(self, problem: str) -> None:
        self.problem = problem

    def __str__(self) -> str:
        return (
            f"This is not an API Gateway WebSocket event: {self.problem}. "
            "Invoke the function through its API, or with one of tests/events/*.json."
        )


class StoreError(CounterError):
    """A DynamoDB operation failed.

    Args:
        operation: What was attempted, such as "increment".
        reason: Error code of DynamoDB, or name of the exception if there was no response.
    """

    def __init__(self, operation: str, reason: str) -> None:
        self.operation = operation
        self.reason = reason


class StoreUnavailable(StoreError):
    """The operation was not applied, or it is idempotent. A retry is safe."""

    def __str__(self) -> str:
        return f"{self.operation} failed ({self.reason}). It is safe to retry."


class StoreBusy(StoreUnavailable):
    """Concurrent writes or throttling prevented the operation on each of `attempts` attempts."""

    def __init__(self, operation: str, reason: str, attempts: int = 1) -> None:
        super().__init__(operation, reason)
        self.attempts = attempts

    def __str__(self) -> str:
        return (
            f"{self.operation} conflicted with concurrent writes on all {self.attempts} attempts "
            f"({self.reason}). It is safe to retry."
        )


class OutcomeUnknown(StoreError):
    """The operation may have been applied, because there was no response.

    A retry could apply it twice.
    """

    def __str__(self) -> str:
        return f"{self.operation} got no response ({self.reason}). It may have been applied."
