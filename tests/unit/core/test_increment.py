import pytest

from counter_service.runtime.core.broadcast import GONE_AGE_SECONDS, LEASE_SECONDS
from counter_service.runtime.core.ports import Delivery
from counter_service.runtime.core.protocol import ErrorCode
from tests.unit.core.service_fixture import (
    CONNECTED_AT,
    NOW,
    OP_ID,
    UNAVAILABLE,
    ServiceFixture,
    error,
    update,
)
from tests.unit.outcomes import outcome

TWO_HOURS = 2 * 60 * 60


@pytest.mark.parametrize("sender", ["ann", "bob", "eve"])
def test_increment_reaches_everyone_once_and_its_sender_first(
    service: ServiceFixture, sender: str
) -> None:
    assert service.increment(sender) == outcome("increment", 42, broadcasts=1, delivered=3)
    assert service.counter.count == 42
    assert service.outbox.inboxes() == {name: [update(42)] for name in ("ann", "bob", "eve")}
    assert service.outbox.delivered[0][0] == sender


def test_increment_replies_to_a_sender_without_a_row(service: ServiceFixture) -> None:
    del service.connections.rows["bob"]
    service.increment("bob")
    assert service.outbox.received("bob") == [update(42)]


@pytest.mark.parametrize(("age", "delivered"), [(TWO_HOURS - 1, 3), (TWO_HOURS, 1)])
def test_increment_sends_nothing_to_expired_rows(
    service: ServiceFixture, age: int, delivered: int
) -> None:
    service.clock.time = CONNECTED_AT + age
    result = service.increment("ann")
    assert result == outcome("increment", 42, broadcasts=1, delivered=delivered)


@pytest.mark.parametrize(
    ("age", "stays"),
    [(GONE_AGE_SECONDS + 1, False), (GONE_AGE_SECONDS, True), (0, True)],
)
def test_increment_removes_gone_connections_unless_they_are_new(
    service: ServiceFixture, age: int, stays: bool
) -> None:
    service.add_connection("stale", NOW - age, is_open=False)
    result = service.increment("ann")
    assert result == outcome("increment", 42, broadcasts=1, delivered=3, gone=1)
    assert ("stale" in service.connections.rows) is stays
    assert {"ann", "bob", "eve"} <= set(service.connections.rows)


def test_increment_keeps_connections_whose_posts_are_rejected(service: ServiceFixture) -> None:
    """403 and 429 are about our role and our quota, not about the connection."""
    service.outbox.responses = {"ann": Delivery.SKIPPED, "bob": Delivery.FORBIDDEN}
    rows = dict(service.connections.rows)
    result = service.increment("ann")
    # Two posts to ann are skipped: she has no reply, so the broadcast does not leave her out.
    assert result == outcome("increment", 42, broadcasts=1, delivered=1, skipped=2, forbidden=1)
    assert service.connections.rows == rows
    assert service.outbox.inboxes() == {"eve": [update(42)]}


def test_increment_counts_the_click_of_a_sender_that_left(service: ServiceFixture) -> None:
    service.outbox.open.remove("bob")
    result = service.increment("bob")
    assert result == outcome("increment", 42, broadcasts=1, delivered=2, gone=1)
    assert service.outbox.inboxes() == {"ann": [update(42)], "eve": [update(42)]}


def test_increment_leaves_the_broadcast_to_the_lease_owner(service: ServiceFixture) -> None:
    service.lease.request("another", NOW, NOW + LEASE_SECONDS)
    assert service.increment("bob") == outcome("increment", 42, delivered=1)
    assert service.outbox.inboxes() == {"bob": [update(42)]}
    # The owner finds the newer ticket and broadcasts again.
    assert (service.lease.owner, service.lease.tickets) == ("another", 2)


def test_click_limit_rejects_only_the_clicks_beyond_it(service: ServiceFixture) -> None:
    service.messages_per_second = 2
    results = [service.increment("bob", op_id) for op_id in (None, None, None, OP_ID)]
    assert [result.error for result in results] == [None, None] + ["too-many-clicks"] * 2
    assert not results[-1].is_our_failure
    assert (service.counter.count, service.counter.operations) == (43, {})
    assert service.outbox.received("bob")[2:] == [
        error(ErrorCode.TOO_MANY_CLICKS),
        error(ErrorCode.TOO_MANY_CLICKS, OP_ID),
    ]
    assert service.outbox.received("ann") == [update(42), update(43)]


@pytest.mark.parametrize("body", ['{"action":"get-current"}', "no JSON", None])
def test_message_limit_counts_every_message(service: ServiceFixture, body: str | None) -> None:
    service.messages_per_second = 2
    service.increment("bob")
    service.send("bob", body)
    assert service.send("bob", body).error == "too-many-clicks"
    assert service.increment("ann").error is None


def test_message_limit_closes_a_connection_that_floods(service: ServiceFixture) -> None:
    service.messages_per_second = 2
    results = [service.get_current("bob") for _ in range(20)]  # ten times the limit
    assert "bob" in service.outbox.open
    replies = len(service.outbox.received("bob"))
    assert service.get_current("bob") == outcome("get-current", error="too-many-clicks")
    assert "bob" not in service.outbox.open
    assert len(service.outbox.received("bob")) == replies == len(results)


def test_click_limit_counts_for_each_connection_and_each_second(service: ServiceFixture) -> None:
    service.messages_per_second = 1
    assert service.increment("bob").value == 42
    assert service.increment("ann").value == 43
    service.clock.time += 1
    assert service.increment("bob").value == 44


def test_click_limit_writes_nothing_when_it_is_off(service: ServiceFixture) -> None:
    service.connections.fail_next("count_message", UNAVAILABLE)
    assert service.increment("bob").value == 42
    assert service.connections.clicks == {}


def test_click_limit_that_cannot_be_checked_counts_nothing(service: ServiceFixture) -> None:
    service.messages_per_second = 1
    service.connections.fail_next("count_message", UNAVAILABLE)
    result = service.increment("bob")
    assert result == outcome("increment", error="unavailable")
    assert result.is_our_failure
    assert service.counter.count == 41
