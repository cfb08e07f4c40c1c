"""Decisions that a real server cannot trigger reliably, on connections that follow a script."""

from collections.abc import Callable, Iterable, Iterator
from selectors import EVENT_READ, SelectorKey
from typing import Any, cast

import pytest

from counter_service.runtime.core.broadcast import POST_MS
from counter_service.runtime.core.ports import Delivery
from counter_service.runtime.fanout import fan_out as module
from counter_service.runtime.fanout.connection import ConnectionLost
from counter_service.runtime.fanout.fan_out import LIMITS, FanOut, Limits
from counter_service.runtime.fanout.http_responses import MalformedResponse, Response
from counter_service.runtime.fanout.pace import UNLIMITED, Pace
from counter_service.runtime.fanout.pool import ConnectionPool
from counter_service.runtime.fanout.signing import Credentials, SignedRequestTemplate, Target

DELIVERED, SKIPPED = Delivery.DELIVERED, Delivery.SKIPPED
LOST, MALFORMED, SILENT = -1, -2, -3  # in place of a status
NO_PAUSE = Limits(backoff_seconds=0)
Respond = Callable[[int], int]


class FakeConnection:
    wants = EVENT_READ
    response_started = False
    responses = 0
    status = 200
    closed = False

    def __init__(self, pool: "FakePool") -> None:
        self.pool = pool

    def send(self, request: bytes) -> None:
        self.status = self.pool.respond(len(self.pool.sent))
        self.pool.sent.append(request.split()[1].decode().rpartition("/")[2])

    def step(self) -> Response:
        if self.status < 0:
            raise ConnectionLost if self.status == LOST else MalformedResponse
        self.responses += 1
        return Response(self.status, reusable=True, error_type="")


class FakePool:
    """A pool and its selector, on a clock that only waiting and responses move.

    Args:
        respond: The status of the response to the nth post, from 0.
        seconds: Time that the pending posts take together.
        slow: Whether the server responds only after the fan-out can do nothing but wait.
    """

    def __init__(
        self, respond: Respond = lambda _: 200, *, seconds: float = 0, slow: bool = False
    ) -> None:
        self.respond = respond
        self.seconds = seconds
        self.slow = slow
        self.now = 0.0
        self.sent: list[str] = []
        self.signed_at: list[float] = []
        self.opened = 0
        self.idle: list[FakeConnection] = []
        self.connections: list[FakeConnection] = []
        self.keep = lambda connection, _: self.idle.append(connection)
        self.drop = self.connections.remove
        self.selector = self

    def take(self, must_be_new: bool) -> FakeConnection:
        if self.idle and not must_be_new:
            return self.idle.pop()
        self.opened += 1
        self.connections.append(FakeConnection(self))
        return self.connections[-1]

    def select(self, timeout: float) -> list[tuple[SelectorKey, int]]:
        busy = [each for each in self.connections if each not in self.idle or each.closed]
        ready = [each for each in busy if each.status != SILENT]
        if self.slow and timeout == 0:
            return []
        self.now += self.seconds if ready else max(timeout, 0.001)
        return [(SelectorKey(0, 0, EVENT_READ, each), EVENT_READ) for each in ready]

    def monotonic(self) -> float:
        return self.now

    def sign(self) -> SignedRequestTemplate:
        self.signed_at.append(self.now)
        target, credentials = Target("r", "h", "/s"), Credentials("a", "b", None)
        return SignedRequestTemplate(target, credentials, b"{}", self.now, "POST")


def run(pool: FakePool, audience: Iterable[str], limits: Limits = NO_PAUSE) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "time", pool)
        pace = Pace(UNLIMITED, limits.connections_when_large, pool.now)
        fan_out = FanOut(cast("ConnectionPool", cast("Any", pool)), pace, pool.sign, limits)
        return fan_out.run(iter(audience)).deliveries


@pytest.mark.parametrize("posts", [0, 1, 100, 5000])
def test_fan_out_opens_one_connection_if_responses_come_at_once(posts: int) -> None:
    """A handshake takes as long as dozens of posts, so an open connection is used instead."""
    pool = FakePool()
    audience = [str(number) for number in range(posts)]
    assert run(pool, audience) == dict.fromkeys(audience, DELIVERED)
    assert pool.opened == min(posts, 1)


@pytest.mark.parametrize(("posts", "connections"), [(1, 1), (9, 4), (10, 6), (100, 6)])
def test_fan_out_opens_the_connections_that_its_limits_allow(posts: int, connections: int) -> None:
    pool = FakePool(slow=True)
    audience = [str(number) for number in range(posts)]
    limits = Limits(connections=4, connections_when_large=6, large_audience=10)
    assert run(pool, audience, limits) == dict.fromkeys(audience, DELIVERED)
    assert pool.opened == connections


def test_fan_out_posts_while_the_audience_is_listed() -> None:
    pool = FakePool()

    def audience() -> Iterator[str]:
        yield from "abcd"
        assert pool.sent == list("abcd")
        yield "e"

    assert run(pool, audience(), Limits(large_audience=2)) == dict.fromkeys("abcde", DELIVERED)


def test_time_of_the_listing_does_not_count_as_that_of_a_post() -> None:
    pool = FakePool(slow=True)

    def audience() -> Iterator[str]:
        pool.now += 2 * LIMITS.post_seconds
        yield from "ab"

    assert run(pool, audience()) == {"a": DELIVERED, "b": DELIVERED}
    assert pool.sent == ["a", "b"]


def test_connection_that_is_listed_twice_gets_one_post() -> None:
    pool = FakePool()
    assert run(pool, "aba") == {"a": DELIVERED, "b": DELIVERED}
    assert pool.sent == ["a", "b"]


def test_idle_connection_that_closes_during_the_fan_out_is_dropped() -> None:
    pool = FakePool()
    closed, used = pool.take(must_be_new=True), pool.take(must_be_new=True)
    closed.closed = True
    pool.idle += [closed, used]
    assert run(pool, "a") == {"a": DELIVERED}
    assert pool.connections == [used]


def test_connection_that_cannot_be_opened_delays_only_its_own_post() -> None:
    pool = FakePool()
    pool.idle += [pool.take(must_be_new=True), pool.take(must_be_new=True)]
    take, problems = pool.take, [OSError("too many open files")]

    def take_after_a_problem(must_be_new: bool) -> FakeConnection:
        if problems:
            raise problems.pop()
        return take(must_be_new)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "take", take_after_a_problem)
        assert run(pool, "abc") == dict.fromkeys("abc", DELIVERED)
    assert pool.sent == ["b", "c", "a"]


def test_post_that_a_new_connection_loses_gets_no_free_retry() -> None:
    pool = FakePool(lambda _: LOST)
    assert run(pool, "a", Limits(attempts=3, backoff_seconds=0)) == {"a": SKIPPED}
    assert pool.sent == ["a", "a", "a"]


def test_response_resets_the_count_of_consecutive_failures() -> None:
    pool = FakePool(lambda number: MALFORMED if number % 2 == 0 else 200)
    limits = Limits(connections=1, consecutive_failures=2, backoff_seconds=0)
    assert run(pool, "abcd", limits) == dict.fromkeys("abcd", DELIVERED)


def test_fan_out_ends_in_time() -> None:
    pool = FakePool(lambda _: SILENT)
    limits = Limits(connections=2, post_seconds=1, fan_out_seconds=3, consecutive_failures=10**6)
    audience = iter([str(number) for number in range(900)])
    assert set(run(pool, audience, limits).values()) == {SKIPPED}
    assert 3 <= pool.now <= 4.1  # a post that starts at the last moment has its second


def test_fan_out_without_time_posts_nothing() -> None:
    pool = FakePool()
    assert run(pool, "ab", Limits(fan_out_seconds=0)) == {}
    assert pool.sent == []


def test_post_is_not_retried_once_time_is_up() -> None:
    pool = FakePool(lambda _: 503, seconds=1, slow=True)
    assert run(pool, "ab", Limits(fan_out_seconds=0.5)) == {"a": SKIPPED, "b": SKIPPED}
    assert pool.sent == ["a", "b"]


def test_slowest_post_ends_within_the_time_that_a_broadcast_allows() -> None:
    assert LIMITS.post_seconds * 1000 == POST_MS
