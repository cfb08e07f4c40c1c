"""Posts one payload to one audience, with one thread and one selector.

docs/adr/0010-fan-out-engine.md says why not with the SDK, and what each response means.
"""

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
from .http_responses import MalformedResponse, Response
from .pool import ConnectionPool
from .post_queue import Post, PostQueue
from .signing import SignedRequestTemplate

# 403s that a new signature repairs: the role's session ended, or the clock moved.
_STALE_SIGNATURE: Final = frozenset(
    {"expiredtokenexception", "invalidsignatureexception", "requestexpired"}
)

# The operating system's generator, because instances may start with the same state of Python's
# and would then retry in step.
_jitter: Final = random.SystemRandom()

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What bounds a fan-out."""

    connections: int = 64
    large_audience: int = 1000  # posts
    connections_when_large: int = 128
    post_seconds: float = 2.0  # from the start of a request, connecting included, to its response
    fan_out_seconds: float = 8.0  # then the rest is skipped; shorter than the lease
    attempts: int = 3
    attempts_when_throttled: int = 5  # a 429 costs nothing, and the quota refills within a second
    backoff_seconds: float = 0.05  # doubled with each attempt, with jitter
    signature_seconds: float = 120.0  # AWS allows five minutes of clock skew
    consecutive_failures: int = 16  # without a response: the endpoint is down


LIMITS: Final = Limits()


class FanOut:
    """One payload to one audience. An instance serves one `run`.

    Args:
        pool: Connections to the endpoint.
        sign: Signs the payload with the current credentials and the current time.
    """

    def __init__(
        self, pool: ConnectionPool, sign: Callable[[], SignedRequestTemplate], limits: Limits
    ) -> None:
        self._pool = pool
        self._limits = limits
        self._max_connections = limits.connections
        self._requests = _RenewedRequests(sign, limits.signature_seconds)
        self._started_at = time.monotonic()
        self._queue = PostQueue(iter(()))
        self._pending: dict[HttpConnection, Post] = {}
        self._deadlines: deque[tuple[float, HttpConnection, Post]] = deque()  # sorted by time
        self._outcomes: dict[str, Delivery] = {}
        self._consecutive_failures = 0
        self._warned: set[str] = set()

    def run(self, audience: Iterator[str]) -> Mapping[str, Delivery]:
        """Post to every connection of the audience, which is read meanwhile."""
        # Read ahead far enough to size the pool before the first post.
        first = list(islice(audience, self._limits.large_audience))
        if len(first) == self._limits.large_audience:
            self._max_connections = self._limits.connections_when_large
        self._queue = PostQueue(self._new_posts(chain(first, audience)))
        may_open = True
        while self._queue or self._pending:
            if self._queue and self._must_stop():
                self._queue.abandon()
            self._start_posts(may_open=may_open)
            # A handshake costs as much as dozens of posts, so open a connection only in a round
            # in which no open connection has a response.
            may_open = not self._handle_responses()
        return self._outcomes

    def _new_posts(self, audience: Iterator[str]) -> Iterator[Post]:
        """A post for each connection of the audience, which may list one twice."""
        for connection_id in audience:
            if connection_id not in self._outcomes:
                self._outcomes[connection_id] = Delivery.SKIPPED  # until a response says otherwise
                yield Post(connection_id)

    def _must_stop(self) -> bool:
        """Whether no post may be started, because time is up or the endpoint is down."""
        if self._consecutive_failures >= self._limits.consecutive_failures:
            self._warn("the management endpoint does not respond")
            return True
        if time.monotonic() - self._started_at > self._limits.fan_out_seconds:
            self._warn("the fan-out took too long")
            return True
        return False

    # --- requests -------------------------------------------------------------------------------

    def _start_posts(self, *, may_open: bool) -> None:
        """Start posts on every idle connection, and on one new connection if `may_open`."""
        while (self._pool.idle or (may_open and self._has_room())) and not self._must_stop():
            now = time.monotonic()
            post = self._queue.next(now)
            if post is None:
                return
            may_open = may_open and bool(self._pool.idle)
            self._start(post, now)

    def _has_room(self) -> bool:
        return len(self._pending) < self._max_connections

    def _start(self, post: Post, now: float) -> None:
        post.attempts += 1
        request = self._requests.request(post.connection_id, now)
        try:
            # If one kept connection was dead, the others may be dead too.
            connection = self._pool.take(new=post.free_retry_used)
        except OSError as problem:
            self._on_failure(post, problem)
            return
        self._pending[connection] = post
        self._deadlines.append((now + self._limits.post_seconds, connection, post))
        try:
            connection.send(request)
        except OSError as problem:
            self._on_connection_lost(connection, problem)

    # --- responses ------------------------------------------------------------------------------

    def _handle_responses(self) -> bool:
        """Handle what has arrived, after waiting for it. Returns whether anything has."""
        selector = self._pool.selector
        can_open = self._queue.has_untried and self._has_room()
        ready = selector.select(0 if can_open else self._seconds_to_wait())
        for key, _ in ready:
            connection: HttpConnection = key.data
            if connection not in self._pending:
                self._pool.drop(connection)  # an idle connection is readable when it is closed
                continue
            try:
                response = connection.step()
            except (OSError, MalformedResponse) as problem:
                self._on_connection_lost(connection, problem)
                continue
            if response:
                self._on_response(connection, response)
            elif connection.wants != key.events:
                selector.modify(connection, connection.wants, connection)
        self._expire()
        return bool(ready)

    def _seconds_to_wait(self) -> float:
        """Until the next deadline or retry."""
        moments = [self._deadlines[0][0]] if self._deadlines else []
        if self._queue.next_retry_at is not None:
            moments.append(self._queue.next_retry_at)
        return max(0.0, min(moments) - time.monotonic()) if moments else 0.0

    def _expire(self) -> None:
        now = time.monotonic()
        while self._deadlines:
            deadline, connection, post = self._deadlines[0]
            is_pending = self._pending.get(connection) is post
            if is_pending and deadline > now:
                return
            self._deadlines.popleft()
            if is_pending:
                self._on_connection_lost(connection, TimeoutError("no response in time"))

    def _on_response(self, connection: HttpConnection, response: Response) -> None:
        post = self._pending.pop(connection)
        self._consecutive_failures = 0
        if response.reusable:
            self._pool.keep(connection)
        else:
            self._pool.drop(connection)
        status = response.status
        if 200 <= status < 300:
            self._outcomes[post.connection_id] = Delivery.DELIVERED
        elif status == 410:
            self._outcomes[post.connection_id] = Delivery.GONE
        elif status == 429:
            self._retry(post, status, attempts=self._limits.attempts_when_throttled)
        elif status >= 500:
            self._retry(post, status)
        elif status == 403 and response.error_type in _STALE_SIGNATURE and not post.free_retry_used:
            self._requests.renew_once()
            self._retry_for_free(post)
        elif status == 403:
            self._outcomes[post.connection_id] = Delivery.FORBIDDEN
            self._warn(
                "posting is forbidden: check the role's execute-api:ManageConnections",
                logging.ERROR,
            )
        else:
            self._warn("a post was rejected", status=status)

    def _on_connection_lost(self, connection: HttpConnection, problem: Exception) -> None:
        post = self._pending.pop(connection)
        self._pool.drop(connection)
        broke = isinstance(problem, OSError) and not isinstance(problem, TimeoutError)
        was_kept = connection.responses > 0 and not connection.response_started
        if broke and was_kept and not post.free_retry_used:
            # It was probably dead before: kept connections close while the function is frozen.
            self._retry_for_free(post)
        else:
            self._on_failure(post, problem)

    def _on_failure(self, post: Post, problem: Exception) -> None:
        self._consecutive_failures += 1
        self._retry(post, type(problem).__name__)

    # --- retries --------------------------------------------------------------------------------

    def _retry(self, post: Post, reason: object, *, attempts: int | None = None) -> None:
        if post.attempts >= (attempts or self._limits.attempts):
            self._warn("a post was given up", reason=reason)
            return
        delay = self._limits.backoff_seconds * 2**post.attempts * _jitter.random()
        self._queue.retry(post, time.monotonic() + delay)

    def _retry_for_free(self, post: Post) -> None:
        """Retry now, once, without counting it as an attempt."""
        post.free_retry_used = True
        post.attempts -= 1
        self._queue.retry(post, time.monotonic())

    def _warn(self, message: str, level: int = logging.WARNING, **details: object) -> None:
        # Once per fan-out, because ten thousand connections may have the same problem.
        if message not in self._warned:
            self._warned.add(message)
            log.log(level, message, extra=details)


class _RenewedRequests:
    """Requests whose signature is renewed before it expires."""

    def __init__(self, sign: Callable[[], SignedRequestTemplate], max_age: float) -> None:
        self._sign = sign
        self._max_age = max_age
        self._template = sign()
        self._signed_at = time.monotonic()
        self._may_renew = True

    def request(self, connection_id: str, now: float) -> bytes:
        if now - self._signed_at > self._max_age:
            self._renew()
        return self._template.request(connection_id)

    def renew_once(self) -> None:
        """Sign again because AWS rejected the signature, at most once: one renewal serves all."""
        if self._may_renew:
            self._may_renew = False
            self._renew()

    def _renew(self) -> None:
        self._template = self._sign()
        self._signed_at = time.monotonic()
