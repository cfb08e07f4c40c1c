"""One payload to one audience over a pool of channels: one thread, one selector.

Each channel carries one request at a time. docs/adr/0010-fan-out-engine.md says why not the SDK,
and what each answer means.
"""

import heapq
import logging
import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from counter_service.runtime.core.ports import Delivery

from .connection import HttpConnection
from .http_responses import Answer, MalformedResponse
from .pool import ConnectionPool
from .signing import Batch

# 403s that a new signature mends: the role's session ended, or the clock moved on.
_STALE_SIGNATURE: Final = frozenset(
    {"expiredtokenexception", "invalidsignatureexception", "requestexpired"}
)

# The system's: functions restored from one snapshot share a generator's state, and would back off
# in step (docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html).
_jitter: Final = random.SystemRandom()

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    channels: int = 64
    channels_when_large: int = 128
    large: int = 1000  # posts
    post_seconds: float = 2.0  # from the start of a request, its connection included, to its answer
    fan_out_seconds: float = 8.0  # then what is left is skipped; less than a lease
    attempts: int = 3
    attempts_when_throttled: int = 5  # a 429 costs nothing, and within a second there is room again
    backoff_seconds: float = 0.05  # doubled each time, with jitter
    signature_seconds: float = 120.0  # AWS allows for five minutes of clock skew
    failures_in_a_row: int = 16  # without one answer: the endpoint is down


LIMITS: Final = Limits()


@dataclass(slots=True)
class Post:
    connection_id: str
    attempts: int = 0
    resent: bool = False  # once, for free, when a kept connection turned out to be dead


class FanOut:
    """One payload to one audience."""

    def __init__(self, pool: ConnectionPool, sign: Callable[[], Batch], limits: Limits) -> None:
        """`sign` signs the payload anew, with the credentials and the time of that moment."""
        self._pool = pool
        self._sign = sign
        self._limits = limits
        self._most_channels = limits.channels
        self._batch = sign()
        self._signed_at = self._started_at = time.monotonic()
        self._refreshed = False
        self._outcomes: dict[str, Delivery] = {}
        self._busy: dict[HttpConnection, Post] = {}
        self._nothing_else_to_do = True
        self._deadlines: deque[tuple[float, HttpConnection, Post]] = (
            deque()
        )  # in order: all wait alike
        self._waiting: list[tuple[float, int, Post]] = []  # a heap of posts to try again
        self._failures = 0  # in a row
        self._warned: set[str] = set()

    def run(self, audience: Iterator[str]) -> Mapping[str, Delivery]:
        """Reads the audience while it posts. To be run once."""
        # So far ahead that the first posts already have as many channels as all of them need.
        first = list(islice(audience, self._limits.large))
        if len(first) == self._limits.large:
            self._most_channels = self._limits.channels_when_large
        source: Iterator[str] | None = chain(first, audience)
        while source or self._busy or self._waiting:
            if (source or self._waiting) and self._is_over():
                self._waiting.clear()  # each is noted as skipped already
                for connection_id in source or ():
                    self._outcomes.setdefault(connection_id, Delivery.SKIPPED)
                source = None
            source = self._hand_out(source)
            self._wait(can_open=bool(source) and self._has_room())
        return self._outcomes

    def _is_over(self) -> bool:
        """Nothing more is begun: time is up, or the endpoint does not answer at all."""
        if self._failures >= self._limits.failures_in_a_row:
            self._warn("the management endpoint does not answer")
            return True
        if time.monotonic() - self._started_at > self._limits.fan_out_seconds:
            self._warn("the fan-out took too long")
            return True
        return False

    def _hand_out(self, source: Iterator[str] | None) -> Iterator[str] | None:
        """Begin what can be begun; return the rest of the audience."""
        while (self._pool.idle or self._may_open()) and not self._is_over():
            post = self._due()
            if post is None and source is not None:
                connection_id = next(source, None)
                if connection_id is None:
                    source = None
                elif connection_id not in self._outcomes:
                    post = Post(connection_id)
                    self._outcomes[connection_id] = Delivery.SKIPPED  # until something better
            if post is None:
                break
            self._begin(post)
        return source

    def _may_open(self) -> bool:
        # A handshake takes as long as dozens of posts, so it waits until no channel can go on.
        return self._nothing_else_to_do and self._has_room()

    def _has_room(self) -> bool:
        return len(self._busy) < self._most_channels

    def _due(self) -> Post | None:
        if self._waiting and self._waiting[0][0] <= time.monotonic():
            return heapq.heappop(self._waiting)[2]
        return None

    def _begin(self, post: Post) -> None:
        post.attempts += 1
        now = time.monotonic()
        if now - self._signed_at > self._limits.signature_seconds:
            self._sign_again()
        request = self._batch.request(post.connection_id)
        if not self._pool.idle:
            self._nothing_else_to_do = False
        try:
            # Where one kept connection was dead, the next may be too.
            channel = self._pool.take(new=post.resent)
        except OSError as problem:
            self._failed(post, problem)
            return
        self._busy[channel] = post
        self._deadlines.append((now + self._limits.post_seconds, channel, post))
        try:
            channel.send(request)
        except OSError as problem:
            self._lost(channel, problem)

    def _wait(self, *, can_open: bool) -> None:
        selector = self._pool.selector
        ready = selector.select(0 if can_open else self._patience())
        self._nothing_else_to_do = not ready
        for key, _ in ready:
            channel: HttpConnection = key.data
            if channel not in self._busy:
                self._pool.drop(channel)  # idle, and has something to say: its end
                continue
            try:
                answer = channel.step()
            except (OSError, MalformedResponse) as problem:
                self._lost(channel, problem)
                continue
            if answer:
                self._answered(channel, answer)
            elif channel.wants != key.events:
                selector.modify(channel, channel.wants, channel)
        self._expire()

    def _patience(self) -> float:
        moments = [self._deadlines[0][0]] if self._deadlines else []
        if self._waiting:
            moments.append(self._waiting[0][0])
        return max(0.0, min(moments) - time.monotonic()) if moments else 0.0

    def _expire(self) -> None:
        now = time.monotonic()
        while self._deadlines:
            deadline, channel, post = self._deadlines[0]
            current = self._busy.get(channel) is post
            if current and deadline > now:
                return
            self._deadlines.popleft()
            if current:
                self._lost(channel, TimeoutError("no answer in time"))

    def _answered(self, channel: HttpConnection, answer: Answer) -> None:
        post = self._busy.pop(channel)
        self._failures = 0
        if answer.reusable:
            self._pool.keep(channel)
        else:
            self._pool.drop(channel)
        status = answer.status
        if 200 <= status < 300:
            self._outcomes[post.connection_id] = Delivery.DELIVERED
        elif status == 410:
            self._outcomes[post.connection_id] = Delivery.GONE
        elif status == 429:
            self._again(post, status, attempts=self._limits.attempts_when_throttled)
        elif status >= 500:
            self._again(post, status)
        elif status == 403 and answer.error_type in _STALE_SIGNATURE and not post.resent:
            post.resent = True
            if not self._refreshed:
                self._refreshed = True
                self._sign_again()
            self._again(post, status, at_once=True)
        elif status == 403:
            self._outcomes[post.connection_id] = Delivery.FORBIDDEN
            self._warn(
                "posting is forbidden: check the role's execute-api:ManageConnections",
                logging.ERROR,
            )
        else:
            self._warn("a post was refused", status=status)

    def _lost(self, channel: HttpConnection, problem: Exception) -> None:
        post = self._busy.pop(channel)
        self._pool.drop(channel)
        broke = isinstance(problem, OSError) and not isinstance(problem, TimeoutError)
        if broke and channel.answered and not channel.answer_began and not post.resent:
            # Most likely it was dead before: kept connections die while the function is frozen.
            post.resent = True
            self._again(post, type(problem).__name__, at_once=True)
        else:
            self._failed(post, problem)

    def _failed(self, post: Post, problem: Exception) -> None:
        self._failures += 1
        self._again(post, type(problem).__name__)

    def _again(
        self, post: Post, reason: object, *, at_once: bool = False, attempts: int | None = None
    ) -> None:
        if at_once:
            post.attempts -= 1
            delay = 0.0
        elif post.attempts >= (attempts or self._limits.attempts):
            self._warn("a post was given up", reason=reason)
            return
        else:
            delay = self._limits.backoff_seconds * 2**post.attempts * _jitter.random()
        heapq.heappush(self._waiting, (time.monotonic() + delay, id(post), post))

    def _sign_again(self) -> None:
        self._batch = self._sign()
        self._signed_at = time.monotonic()

    def _warn(self, message: str, level: int = logging.WARNING, **details: object) -> None:
        # Once a fan-out: ten thousand connections would otherwise say the same.
        if message not in self._warned:
            self._warned.add(message)
            log.log(level, message, extra=details)
