"""Increments with an op id, which count once however often they are sent."""

from counter_service.runtime.core.protocol import ErrorCode
from tests.unit.core.service_fixture import (
    INCREMENT,
    INCREMENT_ONCE,
    NOW,
    OP_ID,
    UNAVAILABLE,
    ServiceFixture,
    error,
    update,
)
from tests.unit.outcomes import outcome


def test_increment_once_is_acknowledged_and_broadcast_without_its_op_id(
    service: ServiceFixture,
) -> None:
    result = service.send("bob", INCREMENT_ONCE)
    assert result == outcome("increment", 42, broadcasts=1, delivered=3)
    assert service.outbox.inboxes() == {
        "ann": [update(42)],
        "bob": [update(42, id=OP_ID)],
        "eve": [update(42)],
    }
    assert service.counter.operations == {OP_ID: NOW + 24 * 60 * 60}


def test_increment_once_is_acknowledged_again_with_the_current_value_on_any_connection(
    service: ServiceFixture,
) -> None:
    """The first connection may be closed: a page reconnects with the same op ids."""
    service.send("bob", INCREMENT_ONCE)
    service.send("ann", INCREMENT)
    for sender in ("bob", "ann"):
        result = service.send(sender, INCREMENT_ONCE)
        assert (result.value, result.counted_before) == (43, True)
        assert service.outbox.received(sender)[-1] == update(43, id=OP_ID)
    assert service.counter.count == 43


def test_increment_once_is_broadcast_even_if_it_was_counted_before(
    service: ServiceFixture,
) -> None:
    """The invocation that counted it may have crashed before it broadcast."""
    service.counter.increment_once(OP_ID, NOW)
    result = service.send("bob", INCREMENT_ONCE)
    assert result == outcome("increment", 42, counted_before=True, broadcasts=1, delivered=3)
    assert service.outbox.received("ann") == service.outbox.received("eve") == [update(42)]


def test_increment_once_counts_once_when_its_reply_was_lost(service: ServiceFixture) -> None:
    service.counter.lose_next_reply()
    assert service.send("bob", INCREMENT_ONCE) == outcome("increment", error="unavailable")
    assert service.outbox.received("bob") == [error(ErrorCode.UNAVAILABLE, id=OP_ID)]
    assert service.send("bob", INCREMENT_ONCE).value == 42
    assert service.counter.count == 42
    assert service.outbox.received("eve") == [update(42)]


def test_increment_once_is_not_acknowledged_while_the_value_cannot_be_read(
    service: ServiceFixture,
) -> None:
    """It is counted: the sender retries, and the broadcast sends the value to the others."""
    service.counter.fail_next("value", UNAVAILABLE)
    result = service.send("bob", INCREMENT_ONCE)
    assert result == outcome("increment", error="unavailable", broadcasts=1, delivered=3)
    assert service.outbox.inboxes() == {
        "ann": [update(42)],
        "bob": [error(ErrorCode.UNAVAILABLE, id=OP_ID), update(42)],
        "eve": [update(42)],
    }
    service.send("bob", INCREMENT_ONCE)
    assert service.outbox.received("bob")[-1] == update(42, id=OP_ID)
    assert service.counter.count == 42
