"""Simulates API Gateway, and a fan-out that posts to it, in virtual time.

Assumed for every design:

- @connections responds after 10 ms, and the client has the message by then;
- a post takes the CPU that bench/fan_out.py measured, on the share of a core that Lambda gives to a
  function with this much memory; connections to @connections are open;
- the account's quota is one token bucket for posts and for clients' messages. A request beyond it
  gets a 429 and is retried later.
"""

import heapq
import json
import random
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from counter_service.costs.units import POST_SECONDS
from counter_service.runtime.core.ports import Delivery, Outbox, PostResult
from counter_service.runtime.fanout.fan_out import Limits
from counter_service.runtime.fanout.pace import Pace
from counter_service.runtime.fanout.post_queue import Post, PostQueue
from simulation.timeline import Timeline
from simulation.virtual_time import START_MS

# The shortest sleep, so that time passes however small the rest of a computed delay is.
TICK_SECONDS: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Quota:
    """API Gateway's quota of an account in a region.

    docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
    """

    requests_per_second: int
    burst: int

    @property
    def default_posts_per_second(self) -> int:
        """The default of `postsPerSecond`, as in counter_service/infra/quotas.py."""
        return self.requests_per_second // 2


QUOTA: Final = Quota(10_000, 5_000)  # most regions
SMALL_QUOTA: Final = Quota(2_500, 1_250)  # Milan, Zurich, Spain and others


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """How the invocations of a design post."""

    limits: Limits
    posts_per_second: int
    cpu_seconds: float  # per post
    follows_throttling: bool  # whether a 429 narrows the window of posts in flight


class Clients:
    """The clients, each of which shows the greatest value that it has received.

    Attributes:
        received_at: The time of the last message, by client.
        lags: For each committed click, seconds until every client showed its value or a newer one.
        pending: Value and time of committed clicks that some client does not show yet.
    """

    def __init__(self, timeline: Timeline, ids: Iterable[str]) -> None:
        self.shown = dict.fromkeys(ids, 0)
        self.received_at = dict.fromkeys(self.shown, 0.0)
        self.messages = 0
        self.lags: list[float] = []
        self.pending: deque[tuple[int, float]] = deque()
        self._newest = 0
        self._timeline = timeline
        self._showing = Counter({0: len(self.shown)})  # clients by value
        self._values = [0]  # heap of the values that a client shows, or showed

    def committed(self, value: int) -> None:
        self._newest = value
        self.pending.append((value, self._timeline.now))

    def receive(self, client: str, value: int) -> None:
        self.messages += 1
        self.received_at[client] = self._timeline.now
        before = self.shown[client]
        if value <= before:
            return
        self.shown[client] = value
        self._showing[before] -= 1
        if value not in self._showing:
            heapq.heappush(self._values, value)
        self._showing[value] += 1
        while not self._showing[self._values[0]]:
            del self._showing[heapq.heappop(self._values)]
        while self.pending and self.pending[0][0] <= self._values[0]:
            self.lags.append(self._timeline.now - self.pending.popleft()[1])

    def stale(self, value: int) -> int | None:
        """The number of clients that do not show the value; None if it is not the newest."""
        return len(self.shown) - self._showing[value] if value == self._newest else None


class TokenBucket:
    """A quota as a token bucket."""

    def __init__(self, quota: Quota) -> None:
        self._quota = quota
        self._tokens, self._filled_at = float(quota.burst), 0.0

    def admits(self, now: float) -> bool:
        """Whether a request is accepted. An accepted request takes a token."""
        gained = (now - self._filled_at) * self._quota.requests_per_second
        self._tokens = min(self._quota.burst, self._tokens + gained)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Broadcasts:
    """Records the broadcasts of a design in which one invocation broadcasts at a time.

    Attributes:
        began: When the current broadcast began to list the audience.
        seconds: The time of each broadcast, from the listing to the last response.
        stale: Clients without the newest value at the end of each broadcast that sent it.
        throttled: Number of posts that got a 429, responses to senders included.
    """

    def __init__(self) -> None:
        self.began: float | None = None
        self.seconds: list[float] = []
        self.stale: list[int] = []
        self.throttled = 0

    def end(self, now: float, stale: int | None) -> None:
        if self.began is not None:
            self.seconds.append(now - self.began)
            self.began = None
        if stale is not None:
            self.stale.append(stale)


class SimulatedOutbox(Outbox):
    """The outbox of one instance, which keeps its pace between invocations."""

    def __init__(
        self,
        timeline: Timeline,
        clients: Clients,
        bucket: TokenBucket,
        broadcasts: Broadcasts,
        engine: Engine,
        rng: random.Random,
    ) -> None:
        self.timeline, self.clients, self.bucket = timeline, clients, bucket
        self.broadcasts, self.engine, self.rng = broadcasts, engine, rng
        self.pace = Pace(
            engine.posts_per_second, engine.limits.connections_when_large, timeline.now
        )

    def post(
        self, message: str, audience: Iterable[str], until_ms: float = float("inf")
    ) -> PostResult:
        is_broadcast = isinstance(audience, Iterator)  # a single sender is passed as a list
        value = json.loads(message)["value"]
        seconds = (until_ms - START_MS) / 1000 - self.timeline.now
        fan_out = SimulatedFanOut(self, value, list(audience), seconds)
        result = self.timeline.wait(fan_out.begin)
        self.broadcasts.throttled += result.throttled
        if is_broadcast and result.is_complete:
            self.broadcasts.end(self.timeline.now, self.clients.stale(value))
        return result

    def close_connection(self, connection_id: str) -> None:
        raise AssertionError(f"{connection_id} has no limit of messages")


class SimulatedFanOut:
    """One message to its audience, in rounds as in runtime/fanout/fan_out.py.

    A round handles the responses that have arrived, and then starts posts. The thread signs and
    sends these one after the other, and handles no response meanwhile.
    """

    def __init__(
        self, outbox: SimulatedOutbox, value: int, audience: list[str], seconds: float
    ) -> None:
        limits = outbox.engine.limits
        self._outbox, self._timeline, self._pace = outbox, outbox.timeline, outbox.pace
        self._limits, self._value = limits, value
        is_large = len(audience) >= limits.large_audience
        self._max_in_flight = limits.connections_when_large if is_large else limits.connections
        self._ends_at = self._timeline.now + min(seconds, limits.fan_out_seconds)
        self._queue = PostQueue(map(Post, audience))
        self._outcomes: dict[str, Delivery] = {}
        self._is_complete = True
        self._throttled = 0
        self._in_flight = 0
        self._arrived: list[tuple[Post, bool]] = []  # whether API Gateway accepted the post
        self._is_waiting = False  # for a response; otherwise the thread is busy or sleeps
        self._waits = 0

    def begin(self, done: Callable[[PostResult], None]) -> None:
        self._done = done
        self._timeline.after(0, self._round)

    def _round(self) -> None:
        self._is_waiting = False
        now = self._timeline.now
        self._handle_responses(now)
        if self._queue and now >= self._ends_at:
            self._is_complete &= not self._queue.has_untried
            self._queue.abandon()
        started = self._start_posts(now)
        if self._queue or self._in_flight:
            busy = started * self._outbox.engine.cpu_seconds
            self._timeline.after(busy, self._wait)
        else:
            self._done(PostResult(self._outcomes, self._throttled, self._is_complete))

    def _start_posts(self, now: float) -> int:
        free = self._max_in_flight - self._in_flight
        posts = self._queue.take(min(free, self._pace.allowance(self._in_flight, now)), now)
        started = len(posts)
        for number, post in enumerate(posts, 1):
            self._outcomes[post.connection_id] = Delivery.SKIPPED
            post.attempts += 1
            post.started_at = now
            sent_after = number * self._outbox.engine.cpu_seconds
            self._timeline.after(sent_after + POST_SECONDS, partial(self._respond, post))
        self._pace.started(started)
        self._in_flight += started
        return started

    def _respond(self, post: Post) -> None:
        accepted = self._outbox.bucket.admits(self._timeline.now)
        if accepted:
            self._outbox.clients.receive(post.connection_id, self._value)
        self._arrived.append((post, accepted))
        if self._is_waiting:
            self._round()

    def _handle_responses(self, now: float) -> None:
        for post, accepted in self._arrived:
            if accepted:
                self._outcomes[post.connection_id] = Delivery.DELIVERED
                continue
            self._throttled += 1
            if self._outbox.engine.follows_throttling:
                self._pace.throttled(post.started_at, now)
            bound = self._limits.backoff_seconds * 2**post.attempts
            longest = self._limits.longest_backoff_seconds
            self._queue.retry(post, now + min(bound, longest) * self._outbox.rng.random())
        if self._arrived:
            self._pace.responded(len(self._arrived))
        self._in_flight -= len(self._arrived)
        self._arrived = []

    def _wait(self) -> None:
        """Wait for the next round, as FanOut._seconds_to_wait does."""
        now = self._timeline.now
        if self._arrived:
            self._round()
            return
        if self._queue and self._in_flight < self._max_in_flight:
            if self._pace.allowance(self._in_flight, now):
                due = now if self._queue.has_untried else self._queue.next_retry_at or now
                self._wake_at(min(due, self._ends_at))
            elif (group_at := self._pace.next_group_at(now)) is not None:
                self._timeline.after(max(TICK_SECONDS, group_at - now), self._round)
                return
        self._is_waiting = True

    def _wake_at(self, moment: float) -> None:
        """Begin a round at this moment, unless a response begins one before."""
        self._waits += 1
        number = self._waits

        def wake() -> None:
            if self._is_waiting and self._waits == number:
                self._round()

        self._timeline.after(max(TICK_SECONDS, moment - self._timeline.now), wake)
