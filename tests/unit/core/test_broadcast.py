from collections.abc import Iterable, Iterator, Mapping

import pytest

from counter_service.runtime.core.backoff import TOTAL_MS
from counter_service.runtime.core.broadcast import LEASE_SECONDS, MAX_BROADCAST_SECONDS, SentValue
from counter_service.runtime.core.events import ContinueBroadcast
from counter_service.runtime.core.outcome import DeliveryStats
from counter_service.runtime.core.ports import Delivery
from counter_service.runtime.fanout.fan_out import LIMITS
from simulation.fakes import (
    FakeOutbox,
    InMemoryConnectionStore,
    InMemoryCounterStore,
    InMemoryLease,
)
from tests.unit.core.service_fixture import NOW, UNAVAILABLE, ServiceFixture
from tests.unit.outcomes import outcome


def broadcast(service: ServiceFixture, already_sent: SentValue | None = None) -> DeliveryStats:
    return service.assemble().broadcaster.broadcast(service.clock.now_ms(), already_sent)


class OutboxDuringClicks(FakeOutbox):
    """Other invocations count clicks during each broadcast.

    Args:
        clicks: Number of clicks during the first broadcast, during the second and so on.
        seconds: Duration of each broadcast.
    """

    def __init__(self, service: ServiceFixture, clicks: Iterable[int], seconds: int = 0) -> None:
        super().__init__(*service.outbox.open)
        self._service = service
        self._clicks = iter(clicks)
        self._seconds = seconds

    def post(self, message: str, audience: Iterable[str]) -> Mapping[str, Delivery]:
        deliveries = super().post(message, audience)
        self._service.clock.time += self._seconds
        for _ in range(next(self._clicks, 0)):
            self._service.counter.increment()
            now = self._service.clock.now_s()
            assert self._service.lease.request("another", now, now + LEASE_SECONDS) is None
        return deliveries


def test_broadcast_reaches_everyone_and_releases_the_lease(service: ServiceFixture) -> None:
    assert broadcast(service) == DeliveryStats(broadcasts=1, delivered=3)
    assert [service.values(name) for name in ("ann", "bob", "eve")] == [[41]] * 3
    assert service.lease.owner is None


def test_broadcast_repeats_while_others_count(service: ServiceFixture) -> None:
    service.outbox = OutboxDuringClicks(service, [500, 300])
    assert broadcast(service).broadcasts == 3
    assert service.values("ann") == [41, 541, 841]
    assert service.lease.owner is None


def test_broadcast_takes_over_an_expired_lease(service: ServiceFixture) -> None:
    service.lease.request("crashed", NOW, NOW + LEASE_SECONDS)
    service.clock.time += LEASE_SECONDS
    assert broadcast(service).broadcasts == 1
    assert service.lease.owner is None


def test_broadcast_hands_over_when_its_time_is_over(service: ServiceFixture) -> None:
    service.outbox = OutboxDuringClicks(service, [1] * 100, seconds=MAX_BROADCAST_SECONDS // 2)
    result = service.handle(ContinueBroadcast())
    assert result == outcome("continue-broadcast", broadcasts=2, delivered=6, handed_over=True)
    assert (service.self_invoker.calls, service.lease.owner) == (1, None)
    # The other invocation finds the lease free, and the value that was not sent yet.
    service.outbox = FakeOutbox(*service.outbox.open)
    result = service.handle(ContinueBroadcast())
    assert result == outcome("continue-broadcast", broadcasts=1, delivered=3)
    assert service.values("ann") == [service.counter.count]


@pytest.mark.parametrize(("spare_ms", "broadcasts"), [(1, 1), (0, 0)])
def test_broadcast_time_begins_with_the_invocation(
    service: ServiceFixture, spare_ms: int, broadcasts: int
) -> None:
    """A click that is slow to count leaves less time to broadcast."""

    class SlowCounter(InMemoryCounterStore):
        def increment(self) -> int:
            end_ms = service.clock.now_ms() + MAX_BROADCAST_SECONDS * 1000
            service.clock.sleep_until_ms(end_ms - spare_ms)
            return super().increment()

    service.counter = SlowCounter()
    result = service.increment("bob")
    assert result.deliveries.broadcasts == broadcasts
    assert result.deliveries.handed_over is not bool(broadcasts)
    assert (service.self_invoker.calls, service.lease.owner) == (1 - broadcasts, None)


def test_broadcast_hands_over_only_what_is_left_to_send(service: ServiceFixture) -> None:
    service.outbox = OutboxDuringClicks(service, [], seconds=MAX_BROADCAST_SECONDS * 2)
    assert not broadcast(service).handed_over
    assert service.self_invoker.calls == 0


def test_broadcast_keeps_the_interval(service: ServiceFixture) -> None:
    service.broadcast_interval_ms = 2500
    service.outbox = OutboxDuringClicks(service, [1, 1])
    started_ms = service.clock.now_ms()
    assert broadcast(service).broadcasts == 3
    assert service.clock.now_ms() - started_ms >= 3 * 2500


@pytest.mark.parametrize(
    ("store", "operation", "fields"),
    [
        ("lease", "request", {}),
        ("counter", "value", {}),
        ("connections", "audience", {}),
        ("lease", "release", {"broadcasts": 1, "delivered": 3}),
    ],
)
def test_broadcast_is_incomplete_when_a_store_fails_and_the_next_makes_up_for_it(
    service: ServiceFixture, store: str, operation: str, fields: dict[str, int]
) -> None:
    getattr(service, store).fail_next(operation, UNAVAILABLE)
    result = service.handle(ContinueBroadcast())
    assert result == outcome("continue-broadcast", error="broadcast-incomplete", **fields)
    assert service.lease.owner is None
    assert broadcast(service).broadcasts == 1
    assert service.values("bob")[-1] == 41


def test_broadcast_ends_after_a_failure_despite_newer_tickets(service: ServiceFixture) -> None:
    class BusyLease(InMemoryLease):
        def request(self, owner: str, now: int, until: int) -> int | None:
            ticket = super().request(owner, now, until)
            self.tickets += 1
            return ticket

    service.lease = BusyLease()
    service.connections.fail_next("audience", UNAVAILABLE)
    assert broadcast(service) == DeliveryStats(incomplete=True)


@pytest.mark.parametrize(("value", "received"), [(41, []), (40, [41])])
def test_broadcast_leaves_out_a_connection_only_if_it_has_the_newest_value(
    service: ServiceFixture, value: int, received: list[int]
) -> None:
    broadcast(service, SentValue("ann", value))
    assert (service.values("ann"), service.values("bob")) == (received, [41])


def test_broadcast_contains_clicks_during_the_listing(service: ServiceFixture) -> None:
    class SlowListing(InMemoryConnectionStore):
        def audience(self, now_s: int) -> Iterator[str]:
            service.counter.increment()
            yield from super().audience(now_s)

    service.connections = SlowListing(*service.connections.rows.values())
    broadcast(service)
    assert service.values("ann") == [42]


def test_broadcast_times_fit_into_each_other() -> None:
    """A lease outlasts a fan-out. An invocation outlasts the slowest click with its reply, and the
    last fan-out and interval that begin before MAX_BROADCAST_SECONDS."""
    longest_fan_out = LIMITS.fan_out_seconds + LIMITS.post_seconds
    assert longest_fan_out < LEASE_SECONDS
    shortest_timeout, longest_interval = 20, 1
    assert TOTAL_MS / 1000 + longest_fan_out < shortest_timeout
    assert MAX_BROADCAST_SECONDS + longest_fan_out + longest_interval < shortest_timeout
