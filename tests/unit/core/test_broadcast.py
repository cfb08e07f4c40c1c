from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import pytest

from counter_service.runtime.core.broadcast import (
    HAND_OVER_SECONDS,
    LEASE_SECONDS,
    MAX_CLEANUP,
    POST_MS,
    RESERVE_MS,
    STORE_MS,
    SentValue,
)
from counter_service.runtime.core.events import ContinueBroadcast
from counter_service.runtime.core.outcome import DeliveryStats
from counter_service.runtime.core.ports import PostResult, Progress
from simulation.fakes import (
    FakeOutbox,
    FakeSelfInvoker,
    InMemoryConnectionStore,
    InMemoryCounterStore,
    InMemoryLease,
)
from tests.unit.core.service_fixture import NOW, TIMEOUT_MS, UNAVAILABLE, ServiceFixture
from tests.unit.outcomes import outcome

# After this an invocation of 20 s has no time left for another broadcast.
SPARE_SECONDS = TIMEOUT_MS // 1000 - LEASE_SECONDS


def broadcast(service: ServiceFixture, already_sent: SentValue | None = None) -> DeliveryStats:
    deadline_ms = service.clock.now_ms() + TIMEOUT_MS
    return service.assemble().broadcaster.broadcast(deadline_ms, already_sent)


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

    def post(
        self, message: str, audience: Iterable[str], until_ms: float = float("inf")
    ) -> PostResult:
        result = super().post(message, audience, until_ms)
        self._service.clock.time += self._seconds
        for _ in range(next(self._clicks, 0)):
            self._service.counter.increment()
            now = self._service.clock.now_s()
            assert self._service.lease.request("another", now, now + LEASE_SECONDS) is None
        return result


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
    service.outbox = OutboxDuringClicks(service, [1] * 100, seconds=SPARE_SECONDS - 1)
    assert broadcast(service) == DeliveryStats(broadcasts=2, delivered=6, handed_over=True)
    [progress] = service.self_invoker.handed_over
    assert service.lease.owner == progress.owner
    # The other invocation sends the value that was not sent yet, and takes no ticket for it.
    service.outbox = FakeOutbox(*service.outbox.open)
    result = service.handle(ContinueBroadcast(progress))
    assert result == outcome("continue-broadcast", broadcasts=1, delivered=3)
    assert service.values("ann") == [service.counter.count]
    assert service.lease.owner is None


def test_broadcast_that_is_handed_over_too_late_is_left_to_the_next_click(
    service: ServiceFixture,
) -> None:
    service.outbox = OutboxDuringClicks(service, [1], seconds=SPARE_SECONDS + 1)
    broadcast(service)
    [progress] = service.self_invoker.handed_over
    now = service.clock.now_s()
    assert service.lease.request("another", now + HAND_OVER_SECONDS - 1, now + 60) is None
    assert service.lease.request("another", now + HAND_OVER_SECONDS, now + 60)
    assert service.handle(ContinueBroadcast(progress)) == outcome("continue-broadcast")
    assert service.lease.owner == "another"


class SlowOutbox(FakeOutbox):
    """Each broadcast has time for a few connections of the audience only."""

    def __init__(self, service: ServiceFixture, at_once: int) -> None:
        super().__init__(*service.outbox.open)
        self._service = service
        self._at_once = at_once

    def post(
        self, message: str, audience: Iterable[str], until_ms: float = float("inf")
    ) -> PostResult:
        if until_ms == float("inf"):
            return super().post(message, audience)
        listed = list(audience)
        result = super().post(message, listed[: self._at_once], until_ms)
        self._service.clock.time += 9
        return replace(result, is_complete=len(listed) <= self._at_once)


def test_broadcast_reaches_everyone_in_as_many_invocations_as_it_needs(
    service: ServiceFixture,
) -> None:
    for number in range(20):
        service.add_connection(f"client {number}")
    service.outbox = SlowOutbox(service, 5)
    service.counter.count += 1
    done = broadcast(service)
    for _ in range(10):
        if not service.self_invoker.handed_over:
            break
        progress = service.self_invoker.handed_over.pop()
        done += service.handle(ContinueBroadcast(progress)).deliveries
    assert (done.broadcasts, done.delivered) == (1, 23)
    assert [service.values(name) for name in service.connections.rows] == [[42]] * 23
    assert service.lease.owner is None


def test_click_during_a_broadcast_of_several_invocations_reaches_everyone(
    service: ServiceFixture,
) -> None:
    """The clients that were reached first get the newer value with the next broadcast."""
    for number in range(20):
        service.add_connection(f"client {number}")
    service.outbox = SlowOutbox(service, 5)
    assert broadcast(service).handed_over
    assert service.increment("bob").deliveries.broadcasts == 0
    done = DeliveryStats()
    while service.self_invoker.handed_over:
        progress = service.self_invoker.handed_over.pop()
        done += service.handle(ContinueBroadcast(progress)).deliveries
    assert done.broadcasts == 2
    assert {service.values(name)[-1] for name in service.connections.rows} == {42}


def test_broadcast_that_reaches_no_connection_in_time_ends(service: ServiceFixture) -> None:
    service.outbox = SlowOutbox(service, 0)
    assert broadcast(service) == DeliveryStats(incomplete=True)
    assert service.lease.owner is None


def test_broadcast_ends_when_it_cannot_renew_the_lease_that_it_lost(
    service: ServiceFixture,
) -> None:
    class LostLease(InMemoryLease):
        def renew(self, owner: str, until: int) -> bool:
            self.owner, self.until = "another", until
            return False

    service.lease = LostLease()
    service.outbox = SlowOutbox(service, 1)
    assert broadcast(service) == DeliveryStats(delivered=1)
    assert service.lease.owner == "another"


@pytest.mark.parametrize("failures", [1, 10_000])
def test_continued_broadcast_is_incomplete_when_the_lease_cannot_be_renewed(
    service: ServiceFixture, failures: int
) -> None:
    service.lease.request("me", NOW, NOW + HAND_OVER_SECONDS)
    service.lease.fail_next("renew", UNAVAILABLE, times=failures)
    result = service.handle(ContinueBroadcast(Progress("me", 1)))
    assert result == outcome("continue-broadcast", error="broadcast-incomplete")


def test_broadcast_is_incomplete_when_it_cannot_be_handed_over(service: ServiceFixture) -> None:
    class BrokenSelfInvoker(FakeSelfInvoker):
        def continue_broadcast(self, progress: Progress) -> None:
            raise UNAVAILABLE

    service.self_invoker = BrokenSelfInvoker()
    service.outbox = OutboxDuringClicks(service, [1], seconds=SPARE_SECONDS + 1)
    assert broadcast(service) == DeliveryStats(broadcasts=1, delivered=3, incomplete=True)
    assert service.lease.owner is None


@pytest.mark.parametrize(("spare_ms", "broadcasts"), [(0, 1), (-1000, 0)])
def test_broadcast_time_begins_with_the_invocation(
    service: ServiceFixture, spare_ms: int, broadcasts: int
) -> None:
    """A click that is slow to count leaves less time to broadcast."""

    class SlowCounter(InMemoryCounterStore):
        def increment(self) -> int:
            end_ms = service.clock.now_ms() + SPARE_SECONDS * 1000
            service.clock.sleep_until_ms(end_ms - spare_ms)
            return super().increment()

    service.counter = SlowCounter()
    result = service.increment("bob")
    assert result.deliveries.broadcasts == broadcasts
    assert result.deliveries.handed_over is not bool(broadcasts)
    assert len(service.self_invoker.handed_over) == 1 - broadcasts
    assert (service.lease.owner is None) is bool(broadcasts)


def test_broadcast_hands_over_only_what_is_left_to_send(service: ServiceFixture) -> None:
    service.outbox = OutboxDuringClicks(service, [], seconds=SPARE_SECONDS * 2)
    assert not broadcast(service).handed_over
    assert service.self_invoker.handed_over == []


@pytest.mark.parametrize(
    ("store", "operation"),
    [("lease", "request"), ("counter", "value"), ("connections", "audience")],
)
def test_broadcast_is_incomplete_when_a_store_fails_and_the_next_makes_up_for_it(
    service: ServiceFixture, store: str, operation: str
) -> None:
    getattr(service, store).fail_next(operation, UNAVAILABLE)
    assert broadcast(service) == DeliveryStats(incomplete=True)
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
        def audience(
            self, now_s: int, until_ms: float = float("inf"), after: str | None = None
        ) -> Iterator[str]:
            service.counter.increment()
            yield from super().audience(now_s, until_ms, after)

    service.connections = SlowListing(*service.connections.rows.values())
    broadcast(service)
    assert service.values("ann") == [42]


@pytest.mark.parametrize("operation", ["release", "abandon"])
def test_broadcast_retries_the_release_of_the_lease(
    service: ServiceFixture, operation: str
) -> None:
    service.lease.fail_next(operation, UNAVAILABLE, times=30)
    if operation == "abandon":
        service.connections.fail_next("audience", UNAVAILABLE)
    started_s = service.clock.now_s()
    broadcast(service)
    assert service.lease.owner is None
    assert service.clock.now_s() - started_s < LEASE_SECONDS


def test_broadcast_stops_releasing_when_the_lease_has_expired(service: ServiceFixture) -> None:
    service.lease.fail_next("release", UNAVAILABLE, times=10_000)
    started_s = service.clock.now_s()
    assert broadcast(service) == DeliveryStats(broadcasts=1, delivered=3, incomplete=True)
    assert service.clock.now_s() - started_s == LEASE_SECONDS - 1


class SlowStores(InMemoryConnectionStore):
    """Every call that a broadcast makes takes as long as it may."""

    def __init__(self, service: ServiceFixture, seconds: int) -> None:
        super().__init__(*service.connections.rows.values())
        self._service = service
        self._seconds = seconds

    def audience(
        self, now_s: int, until_ms: float = float("inf"), after: str | None = None
    ) -> Iterator[str]:
        self._service.clock.time += self._seconds
        yield from super().audience(now_s, until_ms, after)


@pytest.mark.parametrize("seconds", range(LEASE_SECONDS))
def test_lease_outlasts_the_slowest_broadcast(service: ServiceFixture, seconds: int) -> None:
    """The listing may take any time, the value and the release STORE_MS, and each post POST_MS."""
    released_at: list[int] = []

    class SlowCounter(InMemoryCounterStore):
        def value(self) -> int:
            service.clock.sleep_until_ms(service.clock.now_ms() + STORE_MS)
            return super().value()

    class SlowestOutbox(FakeOutbox):
        def post(
            self, message: str, audience: Iterable[str], until_ms: float = float("inf")
        ) -> PostResult:
            last_start_ms = max(service.clock.now_ms(), int(until_ms))
            service.clock.sleep_until_ms(last_start_ms + POST_MS)
            return super().post(message, audience, until_ms)

    class SlowLease(InMemoryLease):
        def release(self, owner: str, ticket: int, until: int) -> int | None:
            service.clock.sleep_until_ms(service.clock.now_ms() + STORE_MS)
            released_at.append(service.clock.now_s())
            return super().release(owner, ticket, until)

    service.connections = SlowStores(service, seconds)
    service.counter, service.lease = SlowCounter(41), SlowLease()
    service.outbox = SlowestOutbox(*service.outbox.open)
    result = broadcast(service)
    assert result.incomplete or released_at[0] <= NOW + LEASE_SECONDS
    assert result.incomplete is (seconds * 1000 + STORE_MS > LEASE_SECONDS * 1000 - RESERVE_MS)


def test_stale_rows_are_deleted_after_the_release_and_within_a_limit(
    service: ServiceFixture,
) -> None:
    owners: list[str | None] = []

    class WatchedStore(InMemoryConnectionStore):
        def remove_gone(self, connection_ids: Sequence[str], connected_before: int) -> None:
            owners.append(service.lease.owner)
            super().remove_gone(connection_ids, connected_before)

    service.connections = WatchedStore(*service.connections.rows.values())
    for number in range(MAX_CLEANUP + 100):
        service.add_connection(f"gone {number}", is_open=False)
    broadcast(service)
    assert len(service.connections.rows) == 3 + 100
    assert set(owners) == {None}
    broadcast(service)
    assert set(service.connections.rows) == {"ann", "bob", "eve"}


def test_stale_row_is_deleted_once_after_several_broadcasts(service: ServiceFixture) -> None:
    deleted: list[str] = []

    class WatchedStore(InMemoryConnectionStore):
        def remove_gone(self, connection_ids: Sequence[str], connected_before: int) -> None:
            deleted.extend(connection_ids)
            super().remove_gone(connection_ids, connected_before)

    service.connections = WatchedStore(*service.connections.rows.values())
    service.add_connection("gone", is_open=False)
    service.outbox = OutboxDuringClicks(service, [1, 1])
    assert broadcast(service) == DeliveryStats(broadcasts=3, delivered=9, gone=3)
    assert deleted == ["gone"]


def test_stale_rows_are_left_to_the_next_broadcast_when_time_is_up(
    service: ServiceFixture,
) -> None:
    class SlowStore(InMemoryConnectionStore):
        def remove_gone(self, connection_ids: Sequence[str], connected_before: int) -> None:
            service.clock.time += 4
            super().remove_gone(connection_ids, connected_before)

    service.connections = SlowStore(*service.connections.rows.values())
    for number in range(MAX_CLEANUP):
        service.add_connection(f"gone {number}", is_open=False)
    started_s = service.clock.now_s()
    assert broadcast(service) == DeliveryStats(broadcasts=1, delivered=3, gone=MAX_CLEANUP)
    assert service.clock.now_s() - started_s < TIMEOUT_MS // 1000
    assert len(service.connections.rows) > 3


def test_ten_thousand_stale_rows_are_gone_after_a_minute_of_clicks(service: ServiceFixture) -> None:
    for number in range(10_000):
        service.add_connection(f"gone {number}", is_open=False)
    for _ in range(30):
        service.clock.time += 2
        assert not service.increment("bob").is_our_failure
    assert set(service.connections.rows) == {"ann", "bob", "eve"}
