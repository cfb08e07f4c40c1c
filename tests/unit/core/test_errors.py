import pytest

from counter_service.runtime.core.errors import (
    CounterError,
    OutcomeUnknown,
    SettingsError,
    StoreBusy,
    StoreUnavailable,
    UnknownEvent,
)

SETTINGS = (
    "The environment variable COUNTER_TABLE is not set. "
    "Lambda or the deployment sets it: deploy the function again."
)
EVENT = (
    "This is not an API Gateway WebSocket event: requestContext is missing. "
    "Invoke the function through its API, or with one of tests/events/*.json."
)
UNAVAILABLE = "the read failed (Throttled). It is safe to retry."
BUSY = (
    "the write conflicted with concurrent writes on all 20 attempts (Conflict). "
    "It is safe to retry."
)
UNKNOWN = "the write got no response (Timeout). It may have been applied."


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        (SettingsError, ("COUNTER_TABLE", "is not set"), SETTINGS),
        (UnknownEvent, ("requestContext is missing",), EVENT),
        (StoreUnavailable, ("the read", "Throttled"), UNAVAILABLE),
        (StoreBusy, ("the write", "Conflict", 20), BUSY),
        (StoreBusy, ("the write", "Conflict"), BUSY.replace("20", "1")),
        (OutcomeUnknown, ("the write", "Timeout"), UNKNOWN),
    ],
)
def test_error_says_what_failed_and_what_to_do(
    kind: type[CounterError], arguments: tuple[object, ...], message: str
) -> None:
    assert str(kind(*arguments)) == message
