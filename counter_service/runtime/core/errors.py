"""The exceptions of the runtime. Data in attributes, wording in `__str__`.

    CounterError
    ├── SettingsError          the function's environment is incomplete or wrong
    ├── UnknownEvent           not an API Gateway WebSocket event
    └── StoreError             DynamoDB did not do what was asked
        ├── StoreUnavailable   ... and it is safe to ask again
        │   └── StoreBusy      ... soon: others are writing at the same moment
        └── OutcomeUnknown     ... or perhaps it did: asking again may do it twice

A peer's mistakes are not exceptions: `protocol.parse` answers them with `Invalid`.
"""


class CounterError(Exception):
    """Base of everything the runtime raises on purpose."""


class SettingsError(CounterError):
    def __init__(self, variable: str, problem: str) -> None:
        super().__init__(variable, problem)
        self.variable = variable
        self.problem = problem

    def __str__(self) -> str:
        return (
            f"environment variable {self.variable} {self.problem}; "
            "the graph or Lambda sets it, so deploy the function again"
        )


class UnknownEvent(CounterError):
    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return (
            f"not an API Gateway WebSocket event: {self.problem}; "
            "invoke the function through its API, or with one of tests/events/*.json"
        )


class StoreError(CounterError):
    def __init__(self, operation: str, reason: str) -> None:
        super().__init__(operation, reason)
        self.operation = operation
        self.reason = reason


class StoreUnavailable(StoreError):
    def __str__(self) -> str:
        return f"{self.operation} failed ({self.reason}); it is safe to try again"


class StoreBusy(StoreUnavailable):
    def __init__(self, operation: str, reason: str, attempts: int = 1) -> None:
        super().__init__(operation, reason)
        self.attempts = attempts

    def __str__(self) -> str:
        return (
            f"{self.operation} met others at each of {self.attempts} attempts ({self.reason}); "
            "it is safe to try again"
        )


class OutcomeUnknown(StoreError):
    def __str__(self) -> str:
        return f"{self.operation} got no answer ({self.reason}); it may or may not have happened"
