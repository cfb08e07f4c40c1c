"""When a channel is opened: what no server can be made to show every time."""

from selectors import EVENT_READ, SelectorKey
from typing import Any, cast

import pytest

from counter_service.runtime.core.ports import Delivery
from counter_service.runtime.fanout.fan_out import FanOut, Limits
from counter_service.runtime.fanout.http_responses import Response
from counter_service.runtime.fanout.pool import ConnectionPool
from counter_service.runtime.fanout.signing import Credentials, SignedRequestTemplate, Target

DELIVERED = Delivery.DELIVERED


class FakeChannel:
    wants = EVENT_READ
    answered = 0

    def send(self, request: bytes) -> None: ...

    def step(self) -> Response:
        self.answered += 1
        return Response(200, reusable=True, error_type="")


class FakePool:
    """Its server answers at once, or once the fan-out has nothing left but to wait."""

    def __init__(self, *, at_once: bool) -> None:
        self.at_once = at_once
        self.idle: list[FakeChannel] = []
        self.opened: list[FakeChannel] = []
        self.selector = self

    def take(self, *, new: bool = False) -> FakeChannel:
        if self.idle and not new:
            return self.idle.pop()
        self.opened.append(FakeChannel())
        return self.opened[-1]

    def keep(self, channel: FakeChannel) -> None:
        self.idle.append(channel)

    def select(self, timeout: float) -> list[tuple[SelectorKey, int]]:
        if timeout == 0 and not self.at_once:
            return []
        busy = [channel for channel in self.opened if channel not in self.idle]
        return [(SelectorKey(0, 0, EVENT_READ, channel), EVENT_READ) for channel in busy]


def fan_out(pool: FakePool, limits: Limits = Limits()) -> FanOut:  # noqa: B008  # frozen
    batch = SignedRequestTemplate(Target("r", "h", "/s"), Credentials("a", "b", None), b"{}", 0)
    return FanOut(cast("ConnectionPool", cast("Any", pool)), lambda: batch, limits)


@pytest.mark.parametrize("posts", [1, 100, 5000])
def test_a_server_that_answers_at_once_needs_one_channel(posts: int) -> None:
    """A handshake takes as long as dozens of posts: none is begun while a channel can go on."""
    pool = FakePool(at_once=True)
    audience = [str(number) for number in range(posts)]
    assert fan_out(pool).run(iter(audience)) == dict.fromkeys(audience, DELIVERED)
    assert len(pool.opened) == 1


@pytest.mark.parametrize(("posts", "connections"), [(1, 1), (9, 4), (10, 6), (100, 6)])
def test_a_server_that_takes_its_time_gets_as_many_as_pay(posts: int, connections: int) -> None:
    pool = FakePool(at_once=False)
    audience = [str(number) for number in range(posts)]
    limits = Limits(connections=4, connections_when_large=6, large_audience=10)
    assert fan_out(pool, limits).run(iter(audience)) == dict.fromkeys(audience, DELIVERED)
    assert len(pool.opened) == connections
