"""Posts one payload to one audience, with one thread and one selector.

docs/adr/0010-fan-out-engine.md says why it does not use the SDK, and what each response means.
"""

import logging
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from counter_service.runtime.core.ports import Delivery, PostResult

from .connection import HttpConnection
from .http_responses import MalformedResponse, Response
from .pace import Pace
from .pool import ConnectionPool
from .post_queue import Post, PostQueue
from .signing import SignedRequestTemplate

# 403s that a new signature fixes: the role's session ended, or the clock was adjusted.
_STALE_SIGNATURE: Final = frozenset(
    {"expiredtokenexception", "invalidsignatureexception", "requestexpired"}
)

# The operating system's generator, because Python's own may start in the same state in several
# instances, which would then retry in step.
_jitter: Final = random.SystemRandom()

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of a fan-out."""

    connections: int = 64  # HTTP connections to API Gateway
    large_audience: int = 1000  # posts; from this number on, the next limit replaces the first
    connections_when_large: int = 128
    post_seconds: float = 2.0  # from the start of a request, connecting included, to its response
    # No post starts later. 10,000 posts at half of the smallest quota, 1,250/s, take 8 s.
    fan_out_seconds: float = 9.0
    attempts: int = 3  # after any failure except a 429, which is retried until the time is up
    backoff_seconds: float = 0.05  # doubled with each attempt, with jitter
    longest_backoff_seconds: float = 1.0
    consecutive_failures: int = 16  # with no response in between: the endpoint counts as down


LIMITS: Final = Limits()


class FanOut:
    """One payload to one audience. An instance serves one `run`.

    Args:
        pool: Connections to the endpoint.
        pace: How fast posts may be started.
        sign: Signs the payload with the current credentials and the current time.
        seconds: Time for the fan-out, if it is less than `limits.fan_out_seconds`.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        pace: Pace,
        sign: Callable[[], SignedRequestTemplate],
        limits: Limits,
        seconds: float = float("inf"),
    ) -> None:
        self._pool = pool
        self._pace = pace
        self._limits = limits
        self._max_connections = limits.connections
        self._sign = sign
        self._template = sign()
        self._may_renew_signature = True
        self._now = self._started_at = time.monotonic()  # read once per round
        self._ends_at = self._started_at + min(seconds, limits.fan_out_seconds)
        self._queue = PostQueue(iter(()))
        # In the order of their starts, which is the order of their deadlines.
        self._pending: dict[HttpConnection, Post] = {}
        self._outcomes: dict[str, Delivery] = {}
        self._throttled = 0
        self._consecutive_failures = 0
        self._warned: set[str] = set()

    def run(self, audience: Iterator[str]) -> PostResult:
        """Post to every connection of the audience, which is read while posts are in flight."""
        # Read ahead far enough to size the pool before the first post.
        first = list(islice(audience, self._limits.large_audience))
        if len(first) == self._limits.large_audience:
            self._max_connections = self._limits.connections_when_large
        self._queue = PostQueue(self._new_posts(chain(first, audience)))
        may_open = True
        self._now = time.monotonic()  # the listing took time
        is_complete = True
        while self._queue or self._pending:
            if self._queue:
                if self._is_down():
                    self._skip_the_rest()
                elif self._now >= self._ends_at:
                    is_complete &= not self._queue.has_untried
                    self._warn("the fan-out's time is up")
                    self._queue.abandon()
            self._start_posts(may_open=may_open)
            # A handshake costs as much as dozens of posts, so open a connection only after a round
            # in which no open connection was ready.
            may_open = not self._handle_responses()
        return PostResult(self._outcomes, self._throttled, is_complete)

    def _new_posts(self, audience: Iterator[str]) -> Iterator[Post]:
        """A post for each connection of the audience. Ids that are listed twice are posted once."""
        outcomes = self._outcomes
        for connection_id in audience:
            if connection_id not in outcomes:
                outcomes[connection_id] = Delivery.SKIPPED  # until a response says otherwise
                yield Post(connection_id)

    def _is_down(self) -> bool:
        """Whether the endpoint does not respond."""
        return self._consecutive_failures >= self._limits.consecutive_failures

    def _skip_the_rest(self) -> None:
        self._warn("the management endpoint does not respond")
        while self._queue.take(self._limits.large_audience, self._now):
            pass  # taking a post marks its connection as skipped
        self._queue.abandon()

    # --- requests -------------------------------------------------------------------------------

    def _start_posts(self, *, may_open: bool) -> None:
        """Start posts on every idle connection, and on one new connection if `may_open`."""
        if not self._queue:
            return
        free = len(self._pool.idle)
        if may_open and len(self._pending) + free < self._max_connections:
            free += 1
        most = min(free, self._pace.allowance(len(self._pending), self._now))
        posts = self._queue.take(most, self._now)
        # Sign all requests before sending the first, because that keeps the CPU's caches warm.
        requests = [self._template.request(post.connection_id) for post in posts]
        self._pace.started(len(posts))
        for post, request in zip(posts, requests, strict=True):
            post.attempts += 1
            post.started_at = self._now
            try:
                # If one idle connection was dead, the others may be dead too.
                connection = self._pool.take(post.free_retry_used)
            except OSError as problem:
                self._on_failure(post, problem)
                continue
            self._pending[connection] = post
            try:
                connection.send(request)
            except OSError as problem:
                self._on_connection_lost(connection, problem)

    # --- responses ------------------------------------------------------------------------------

    def _handle_responses(self) -> bool:
        """Wait for responses and handle them. Returns whether any connection was ready."""
        selector = self._pool.selector
        ready = selector.select(self._seconds_to_wait())
        self._now = time.monotonic()
        responses = 0
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
                responses += 1
                self._on_response(connection, response)
            elif connection.wants != key.events:
                selector.modify(connection, connection.wants, connection)
        if responses:
            self._pace.responded(responses)
        self._expire()
        return bool(ready)

    def _seconds_to_wait(self) -> float:
        """Seconds until something other than a response allows the next step, such as a retry."""
        now = self._now
        moments = []
        if self._pending:
            oldest = next(iter(self._pending.values()))
            moments.append(oldest.started_at + self._limits.post_seconds)
        if self._queue and (self._pool.idle or len(self._pending) < self._max_connections):
            if self._pace.allowance(len(self._pending), now):
                # An untried post may open a connection in the next round, a retry when it is due.
                due = now if self._queue.has_untried else self._queue.next_retry_at or now
                moments.append(min(due, self._ends_at))
            elif (group_at := self._pace.next_group_at(now)) is not None:
                # Sleep until the next group may start, instead of waking up for every response.
                time.sleep(max(0.0, min([group_at, self._ends_at, *moments]) - now))
                return 0.0
        return max(0.0, min(moments) - now) if moments else 0.0

    def _expire(self) -> None:
        while self._pending:
            connection, post = next(iter(self._pending.items()))
            if post.started_at + self._limits.post_seconds > self._now:
                return
            self._on_connection_lost(connection, TimeoutError("no response in time"))

    def _on_response(self, connection: HttpConnection, response: Response) -> None:
        post = self._pending.pop(connection)
        self._consecutive_failures = 0
        if response.reusable:
            self._pool.keep(connection, self._now)
        else:
            self._pool.drop(connection)
        status = response.status
        if 200 <= status < 300:
            self._outcomes[post.connection_id] = Delivery.DELIVERED
        elif status == 410:
            self._outcomes[post.connection_id] = Delivery.GONE
        elif status == 429:
            self._throttled += 1
            self._pace.throttled(post.started_at, self._now)
            self._warn("API Gateway throttled posts: lower postsPerSecond or raise the quota")
            self._retry(post)
        elif status >= 500:
            self._retry_or_give_up(post, status)
        elif status == 403 and response.error_type in _STALE_SIGNATURE and not post.free_retry_used:
            self._renew_signature()
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
        was_kept = connection.responses > 0 and not connection.response_started
        if was_kept and isinstance(problem, OSError) and not post.free_retry_used:
            # The connection was probably dead before this post: idle ones end while the function
            # is frozen. If no packet said so, no response comes, and the other idle ones that have
            # not responded in this fan-out are probably dead too.
            if isinstance(problem, TimeoutError):
                self._pool.drop_unproven(self._started_at)
            self._retry_for_free(post)
        else:
            self._on_failure(post, problem)

    def _on_failure(self, post: Post, problem: Exception) -> None:
        self._consecutive_failures += 1
        self._retry_or_give_up(post, type(problem).__name__)

    # --- retries --------------------------------------------------------------------------------

    def _retry_or_give_up(self, post: Post, reason: object) -> None:
        if post.attempts < self._limits.attempts:
            self._retry(post)
        else:
            self._warn("a post was given up", reason=reason)

    def _retry(self, post: Post) -> None:
        """Retry after a pause that doubles with each attempt, with jitter."""
        bound = self._limits.backoff_seconds * 2**post.attempts
        delay = min(bound, self._limits.longest_backoff_seconds) * _jitter.random()
        self._queue.retry(post, self._now + delay)

    def _retry_for_free(self, post: Post) -> None:
        """Retry now, once, without counting it as an attempt."""
        post.free_retry_used = True
        post.attempts -= 1
        self._queue.retry(post, self._now)

    def _renew_signature(self) -> None:
        """Sign again, at most once in a fan-out, because one renewal serves all posts."""
        if self._may_renew_signature:
            self._may_renew_signature = False
            self._template = self._sign()

    def _warn(self, message: str, level: int = logging.WARNING, **details: object) -> None:
        # Once per fan-out, because ten thousand connections may have the same problem.
        if message not in self._warned:
            self._warned.add(message)
            log.log(level, message, extra=details)
