import pytest

from counter_service.runtime.core.errors import (
    CounterError,
    OutcomeUnknown,
    SettingsError,
    StoreBusy,
    StoreUnavailable,
    UnknownEvent,
)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SettingsError("COUNTER_TABLE", "is not set"), ["COUNTER_TABLE is not set", "deploy"]),
        (UnknownEvent("requestContext is missing"), ["requestContext is missing", "tests/events"]),
        (
            StoreUnavailable("increment", "Throttled"),
            ["increment", "Throttled", "safe to retry"],
        ),
        (
            StoreBusy("increment", "TransactionConflict", attempts=20),
            ["increment", "20 attempts", "TransactionConflict", "safe to retry"],
        ),
        (
            OutcomeUnknown("increment", "ReadTimeout"),
            ["increment", "ReadTimeout", "may have been applied"],
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_error_says_what_failed_and_what_to_do(error: CounterError, words: list[str]) -> None:
    assert isinstance(error, CounterError)
    assert [word for word in words if word not in str(error)] == []
