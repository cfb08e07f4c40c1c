import pytest

from counter_service.runtime.core.protocol import MAX_MESSAGE_BYTES, ErrorCode
from tests.unit.core.service_fixture import ServiceFixture, error
from tests.unit.outcomes import outcome

INVALID: list[tuple[ErrorCode, str | None]] = [
    (ErrorCode.TOO_LARGE, "x" * (MAX_MESSAGE_BYTES + 1)),
    (ErrorCode.NOT_TEXT, None),
    (ErrorCode.NOT_JSON, "increment"),
    (ErrorCode.NOT_AN_OBJECT, "[]"),
    (ErrorCode.MISSING_ACTION, "{}"),
    (ErrorCode.UNKNOWN_ACTION, '{"action":"reset"}'),
    # A wrong id is not repeated in the response, not even if it is text.
    (ErrorCode.BAD_ID, '{"action":"increment","id":7}'),
    (ErrorCode.BAD_ID, '{"action":"increment","id":null}'),
    (ErrorCode.BAD_ID, '{"action":"increment","id":"q7Rk_3sYd-2oFiAC"}'),
]


@pytest.mark.parametrize(("code", "body"), INVALID)
def test_invalid_message_gets_an_error_and_changes_nothing(
    service: ServiceFixture, code: ErrorCode, body: str | None
) -> None:
    del service.connections.rows["bob"]
    assert service.send("bob", body) == outcome("invalid", error=code)
    assert service.outbox.inboxes() == {"bob": [error(code)]}
    assert (service.counter.count, set(service.connections.rows)) == (41, {"ann", "eve"})


def test_invalid_messages_cover_every_mistake_of_a_client() -> None:
    ours = {ErrorCode.BUSY, ErrorCode.UNAVAILABLE, ErrorCode.UNKNOWN_OUTCOME}
    codes = {code for code, _ in INVALID}
    assert codes == set(ErrorCode) - ours - {ErrorCode.TOO_MANY_CLICKS}


def test_invalid_message_of_a_sender_that_left_is_no_failure(service: ServiceFixture) -> None:
    service.outbox.open.remove("bob")
    assert service.send("bob", "nonsense") == outcome("invalid", error="not-json")
    assert service.outbox.delivered == []
