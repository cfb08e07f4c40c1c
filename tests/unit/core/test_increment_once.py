"""Increments with an op id, which count once however often they are sent."""

from counter_service.runtime.core.protocol import ErrorCode
from tests.unit.core.service_fixture import NOW, OP_ID, UNAVAILABLE, ServiceFixture, error, update
from tests.unit.outcomes import outcome


def test_increment_once_acknowledges_only_to_its_sender(service: ServiceFixture) -> None:
    result = service.increment("bob", OP_ID)
    assert result == outcome("increment", 42, broadcasts=1, delivered=3)
    assert service.outbox.inboxes() == {
        "ann": [update(42)],
        "bob": [update(42, OP_ID)],
        "eve": [update(42)],
    }
    assert service.counter.operations == {OP_ID: NOW + 24 * 60 * 60}


def test_increment_once_is_acknowledged_on_any_connection(service: ServiceFixture) -> None:
    """The first connection may be closed: a page reconnects with the same op ids."""
    service.increment("bob", OP_ID)
    service.increment("ann")
    for sender in ("bob", "ann"):
        result = service.increment(sender, OP_ID)
        assert (result.value, result.counted_before) == (43, True)
        assert service.outbox.received(sender)[-1] == update(43, OP_ID)
    assert service.counter.count == 43


def test_increment_once_is_broadcast_each_time(service: ServiceFixture) -> None:
    """The invocation that counted it may have crashed before it broadcast."""
    service.counter.increment_once(OP_ID, NOW)
    result = service.increment("bob", OP_ID)
    assert result == outcome("increment", 42, counted_before=True, broadcasts=1, delivered=3)
    assert service.outbox.received("ann") == service.outbox.received("eve") == [update(42)]


def test_increment_once_counts_once_when_its_reply_was_lost(service: ServiceFixture) -> None:
    service.counter.lose_next_reply()
    assert service.increment("bob", OP_ID) == outcome("increment", error="unavailable")
    assert service.outbox.received("bob") == [error(ErrorCode.UNAVAILABLE, OP_ID)]
    assert service.increment("bob", OP_ID).value == 42
    assert service.counter.count == 42
    assert service.outbox.received("eve") == [update(42)]


def test_increment_once_is_not_acknowledged_without_a_value(service: ServiceFixture) -> None:
    """The click is counted. Its sender retries, and the broadcast sends the value to the others."""
    service.counter.fail_next("value", UNAVAILABLE)
    result = service.increment("bob", OP_ID)
    assert result == outcome(
        "increment", error="unavailable", counted=True, broadcasts=1, delivered=3
    )
    assert service.outbox.inboxes() == {
        "ann": [update(42)],
        "bob": [error(ErrorCode.UNAVAILABLE, OP_ID), update(42)],
        "eve": [update(42)],
    }
    service.increment("bob", OP_ID)
    assert service.outbox.received("bob")[-1] == update(42, OP_ID)
    assert service.counter.count == 42
