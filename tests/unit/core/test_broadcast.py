from collections.abc import Iterable, Iterator, Mapping
from itertools import count

import pytest

from counter_service.runtime.core.backoff import TOTAL_MS
from counter_service.runtime.core.broadcast import (
    LEASE_SECONDS,
    MAX_BROADCAST_SECONDS,
    Broadcaster,
    SentValue,
)
from counter_service.runtime.core.errors import StoreUnavailable
from counter_service.runtime.core.outcome import DeliveryStats
from counter_service.runtime.core.ports import Connection, Delivery
from counter_service.runtime.fanout.fan_out import LIMITS
from simulation.fakes import (
    FakeClock,
    FakeOutbox,
    FakeSelfInvoker,
    InMemoryConnectionStore,
    InMemoryCounterStore,
    InMemoryLease,
)


class World:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.counter = InMemoryCounterStore(count=7)
        self.connections = InMemoryConnectionStore(
            *(Connection(each, self.clock.time) for each in "ab")
        )
        self.lease = InMemoryLease()
        self.outbox = FakeOutbox("a", "b")
        self.self_invoker = FakeSelfInvoker()
        self.interval_ms = 0
        self._owners = count(1)

    def broadcaster(self) -> Broadcaster:
        return Broadcaster(
            self.counter,
            self.connections,
            self.lease,
            self.outbox,
            self.clock,
            self.self_invoker,
            new_owner=lambda: f"owner {next(self._owners)}",
            interval_ms=self.interval_ms,
        )

    def broadcast(self, already_sent: SentValue | None = None) -> DeliveryStats:
        return self.broadcaster().broadcast(self.clock.now_ms(), already_sent)

    def values(self, connection_id: str) -> list[int]:
        return [message["value"] for message in self.outbox.received(connection_id)]


@pytest.fixture
def world() -> World:
    return World()


class Busy(FakeOutbox):
    """Others click while we broadcast: the n-th broadcast meets so many."""

    def __init__(self, world: World, clicks: Iterable[int], seconds: int = 0) -> None:
        super().__init__("a", "b")
        self._world = world
        self._clicks: Iterator[int] = iter(clicks)
        self._seconds = seconds

    def post(self, message: str, audience: Iterable[str]) -> Mapping[str, Delivery]:
        deliveries = super().post(message, audience)
        self._world.clock.time += self._seconds
        for _ in range(next(self._clicks, 0)):
            self._world.counter.increment()
            now = self._world.clock.now_s()
            assert self._world.lease.request("somebody else", now, now + LEASE_SECONDS) is None
        return deliveries


def test_posts_the_value_to_everyone_and_lets_go(world: World) -> None:
    done = world.broadcast()
    assert world.values("a") == world.values("b") == [7]
    assert done.broadcasts == 1
    assert done == DeliveryStats(broadcasts=1, delivered=2)
    assert world.lease.owner is None


def test_leaves_it_to_whoever_broadcasts_already(world: World) -> None:
    now = world.clock.now_s()
    world.lease.request("somebody else", now, now + LEASE_SECONDS)
    done = world.broadcast()
    assert done.broadcasts == 0
    assert world.outbox.delivered == []
    assert (world.lease.owner, world.lease.tickets) == ("somebody else", 2)


def test_goes_on_while_others_count_and_sends_only_the_newest(world: World) -> None:
    world.outbox = Busy(world, [500, 300])
    done = world.broadcast()
    assert world.values("a") == [7, 507, 807]
    assert done.broadcasts == 3
    assert world.lease.owner is None


def test_takes_over_from_one_that_crashed(world: World) -> None:
    now = world.clock.now_s()
    world.lease.request("crashed", now, now + LEASE_SECONDS)
    world.clock.time += LEASE_SECONDS
    assert world.broadcast().broadcasts == 1
    assert world.lease.owner is None


def test_hands_over_at_the_end_of_its_tenure(world: World) -> None:
    world.outbox = Busy(world, [1] * 100, seconds=MAX_BROADCAST_SECONDS // 2)
    done = world.broadcast()
    assert done.handed_over
    assert done.broadcasts == 2
    assert (world.self_invoker.calls, world.lease.owner) == (1, None)
    # The self_invoker finds the lease free and what was not sent yet.
    world.outbox = FakeOutbox("a", "b")
    assert world.broadcast().broadcasts == 1
    assert world.values("a") == [world.counter.count]


def test_the_tenure_begins_with_the_invocation(world: World) -> None:
    """Whoever took long to count its click has less time left to broadcast."""
    began = world.clock.now_ms() - MAX_BROADCAST_SECONDS * 1000

    def broadcast(began: int) -> tuple[bool, int]:
        done = world.broadcaster().broadcast(began)
        return done.handed_over, done.broadcasts

    assert broadcast(began + 1) == (False, 1)
    assert broadcast(began) == (True, 0)
    assert (world.self_invoker.calls, world.lease.owner) == (1, None)


def test_needs_no_self_invoker_when_nothing_is_waiting(world: World) -> None:
    world.outbox = Busy(world, [], seconds=MAX_BROADCAST_SECONDS * 2)
    assert not world.broadcast().handed_over
    assert world.self_invoker.calls == 0


def test_keeps_the_interval(world: World) -> None:
    world.interval_ms = 2500
    world.outbox = Busy(world, [1, 1])
    started = world.clock.now_ms()
    assert world.broadcast().broadcasts == 3
    assert world.clock.now_ms() - started >= 3 * 2500


@pytest.mark.parametrize(
    ("store", "operation"),
    [
        ("lease", "request"),
        ("counter", "value"),
        ("connections", "audience"),
        ("lease", "release"),
    ],
)
def test_a_store_that_fails_is_said(world: World, store: str, operation: str) -> None:
    getattr(world, store).fail_next(operation, StoreUnavailable(operation, "throttled"))
    assert world.broadcast().incomplete
    # The lease is free, and the next one makes up for it.
    assert world.lease.owner is None
    assert world.broadcast().broadcasts == 1
    assert world.values("b")[-1] == 7


def test_whoever_was_just_told_is_not_told_the_same_again(world: World) -> None:
    world.broadcast(SentValue("a", 7))
    assert (world.values("a"), world.values("b")) == ([], [7])


def test_whoever_was_just_told_an_older_value_is_told_the_newer(world: World) -> None:
    world.broadcast(SentValue("a", 6))
    assert world.values("a") == world.values("b") == [7]


def test_tells_one_connection(world: World) -> None:
    done = world.broadcaster().send_value("b", 5)
    assert (world.values("a"), world.values("b")) == ([], [5])
    assert done == DeliveryStats(delivered=1)


def test_what_a_crash_left_is_broadcast_by_whoever_finds_it(world: World) -> None:
    now = world.clock.now_s()
    world.lease.request("crashed", now, now + LEASE_SECONDS)

    def find() -> int:
        done = world.broadcaster().resume_abandoned_broadcast(world.clock.now_ms())
        return done.broadcasts

    assert find() == 0
    world.clock.time += LEASE_SECONDS
    assert (find(), world.values("a")) == (1, [7])
    assert find() == 0


def test_the_times_fit_into_each_other() -> None:
    """A lease outlasts a fan-out. An invocation outlasts a click that is slow to count with its
    sender's answer, and the last fan-out and interval that begin within its tenure."""
    longest_fan_out = LIMITS.fan_out_seconds + LIMITS.post_seconds
    assert longest_fan_out < LEASE_SECONDS
    shortest_timeout, longest_interval = 20, 1
    assert TOTAL_MS / 1000 + longest_fan_out < shortest_timeout
    assert MAX_BROADCAST_SECONDS + longest_fan_out + longest_interval < shortest_timeout


def test_what_is_counted_while_the_audience_is_listed_goes_out_with_it(world: World) -> None:
    class Slow(InMemoryConnectionStore):
        def audience(self, now_s: int) -> Iterator[str]:
            world.counter.increment()
            yield from super().audience(now_s)

    world.connections = Slow(Connection("a", world.clock.time))
    world.broadcast()
    assert world.values("a") == [8]
