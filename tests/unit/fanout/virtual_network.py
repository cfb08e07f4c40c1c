"""Connections, a selector and a clock in memory, under the real outbox and its pool."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from selectors import EVENT_READ, SelectorKey
from types import ModuleType
from typing import Any, Final

import pytest

from counter_service.runtime.fanout import fan_out, gateway, pool
from counter_service.runtime.fanout.connection import ConnectionLost
from counter_service.runtime.fanout.gateway import ApiGatewayOutbox
from counter_service.runtime.fanout.http_responses import Response
from counter_service.runtime.fanout.signing import Credentials

# Minimum duration of one round, so that a fan-out that spins still ends.
ROUND_SECONDS: Final = 0.000_01
NEVER: Final = float("inf")
# In place of a status: the connection is lost before the response, or while it sends.
RESET: Final = 0
BROKEN_PIPE: Final = -1


@dataclass(frozen=True)
class SentPost:
    at: float  # in seconds of the network's clock
    connection_id: str
    attempt: int  # among the posts to this connection id, from 1


@dataclass(frozen=True)
class Reply:
    status: int = 200
    seconds: float = 0.01  # from the post to the response


SILENCE: Final = Reply(seconds=NEVER)

Respond = Callable[[SentPost], Reply]


class VirtualNetwork:
    """One management endpoint, and the clock that only waiting for it moves.

    Args:
        respond: The reply to each post.

    Attributes:
        now: Seconds of both clocks, the monotonic one and the epoch.
        posts: The posts so far, those on dead connections included.
        attempts: Number of posts by connection id.
        selects: How often a fan-out has looked for responses.
        connections: The connections that are not closed yet.
    """

    SOCK_STREAM = 1

    def __init__(self, respond: Respond = lambda _: Reply()) -> None:
        self.respond = respond
        self.now = 1_000.0
        self.posts: list[SentPost] = []
        self.selects = 0
        self.opened = 0
        self.attempts = Counter[str]()
        self.connections: list[VirtualConnection] = []
        self.monotonic = self.time = lambda: self.now

    def outbox(self, monkeypatch: pytest.MonkeyPatch, **options: Any) -> ApiGatewayOutbox:
        """An outbox that has this network instead of sockets and time."""
        replacements: list[tuple[ModuleType, str, object]] = [
            (fan_out, "time", self),
            (fan_out, "_jitter", Random(1)),
            (gateway, "time", self),
            (pool, "time", self),
            (pool, "socket", self),
            (pool, "DefaultSelector", lambda: self),
            (pool, "HttpConnection", self.connect),
        ]
        for module, name, replacement in replacements:
            monkeypatch.setattr(module, name, replacement)
        credentials = Credentials("AKIDEXAMPLE", "secret", None)
        return ApiGatewayOutbox("http://h/s", "r", lambda: credentials, now=self.time, **options)

    def kill_connections(self, fault: Reply = SILENCE) -> None:
        """Every open connection has ended without a FIN: it swallows requests, or is reset."""
        for connection in self.connections:
            connection.fault = fault

    def sent_to(self, connection_id: str) -> list[float]:
        """When the posts to this connection id were sent."""
        return [post.at for post in self.posts if post.connection_id == connection_id]

    # --- time and socket ---

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def getaddrinfo(self, *_: object, **__: object) -> list[object]:
        return ["address"]

    def connect(self, *_: object) -> "VirtualConnection":
        self.opened += 1
        self.connections.append(VirtualConnection(self))
        return self.connections[-1]

    # --- selector ---

    def register(self, *_: object) -> None:
        """Every open connection is watched."""

    modify = unregister = register

    def select(self, timeout: float) -> list[tuple[SelectorKey, int]]:
        self.selects += 1
        self.now += ROUND_SECONDS
        if timeout > 0:
            first = min((each.ready_at for each in self.connections), default=NEVER)
            self.now = max(self.now, min(self.now + timeout, first))
        ready = [each for each in self.connections if each.ready_at <= self.now]
        return [(SelectorKey(0, 0, EVENT_READ, each), EVENT_READ) for each in ready]

    def close(self) -> None:
        """The selector is closed."""


class VirtualConnection:
    """Stands in for HttpConnection."""

    wants = EVENT_READ
    response_started = False
    new_session = None

    def __init__(self, network: VirtualNetwork) -> None:
        self._network = network
        self._reply = SILENCE
        self.ready_at = NEVER
        self.fault: Reply | None = None
        self.responses = 0
        self.responded_at = 0.0

    def send(self, request: bytes) -> None:
        network = self._network
        connection_id = request.split()[1].decode().rpartition("/")[2]
        network.attempts[connection_id] += 1
        post = SentPost(network.now, connection_id, network.attempts[connection_id])
        network.posts.append(post)
        self._reply = self.fault or network.respond(post)
        if self._reply.status == BROKEN_PIPE:
            raise BrokenPipeError
        self.ready_at = network.now + self._reply.seconds

    def step(self) -> Response:
        self.ready_at = NEVER
        if self._reply.status == RESET:
            raise ConnectionLost
        self.responses += 1
        self.responded_at = self._network.now
        return Response(self._reply.status, reusable=True, error_type="")

    def close(self) -> None:
        self._network.connections.remove(self)


class Quota:
    """Responds with 429 beyond a token bucket, as API Gateway does.

    Args:
        rate: Posts per second.
    """

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = self._tokens = burst
        self._filled_at = 0.0
        self.rejected = 0

    def __call__(self, post: SentPost) -> Reply:
        gained = (post.at - self._filled_at) * self._rate
        self._tokens = min(self._burst, self._tokens + gained)
        self._filled_at = post.at
        if self._tokens < 1:
            self.rejected += 1
            return Reply(429)
        self._tokens -= 1
        return Reply()


def ids(number: int) -> list[str]:
    return [f"id{each}" for each in range(number)]


def most_in(moments: list[float], seconds: float) -> int:
    """The largest number of moments in any interval of this length."""
    most = start = 0
    for end in range(len(moments)):
        while moments[end] - moments[start] > seconds:
            start += 1
        most = max(most, end - start + 1)
    return most
