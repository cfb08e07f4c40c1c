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
        (StoreUnavailable("read", "Throttled"), ["read", "Throttled", "safe to retry"]),
        (StoreBusy("write", "Conflict", 20), ["write", "20 attempts", "Conflict", "safe to retry"]),
        (OutcomeUnknown("write", "Timeout"), ["write", "Timeout", "may have been applied"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_error_says_what_failed_and_what_to_do(error: CounterError, words: list[str]) -> None:
    assert [word for word in words if word not in str(error)] == []
