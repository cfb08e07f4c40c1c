"""DynamoDB and API Gateway in virtual time, behind the service's ports.

Assumed for every design:

- a call to DynamoDB takes 5 ms and commits halfway;
- @connections responds after 10 ms, and the client has the message by then;
- an account may post 10,000 times per second, 5,000 at once (docs.aws.amazon.com/apigateway/latest/
  developerguide/limits.html); a post beyond that gets a 429 and is retried later.

Items have no write limit here. DynamoDB's is about 1,000 per second.
"""

import heapq
import json
import random
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from counter_service.runtime.core.ports import (
    CounterStore,
    Delivery,
    Outbox,
    PostResult,
    SelfInvoker,
)
from simulation.fakes import InMemoryConnectionStore, InMemoryCounterStore, InMemoryLease
from simulation.timeline import Timeline
from simulation.virtual_time import START_MS

DYNAMODB_SECONDS: Final = 0.005
POST_SECONDS: Final = 0.010
INVOKE_SECONDS: Final = 0.020  # self-invocation of a warm function
POSTS_PER_SECOND: Final = 10_000
POSTS_AT_ONCE: Final = 5_000

EPOCH: Final = START_MS // 1000  # the start of virtual time


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """How one invocation posts."""

    channels: int
    channels_when_large: int
    large: int  # posts after which channels_when_large applies
    cpu_seconds: float  # per post
    attempts: int
    backoff_seconds: float  # doubled each time, with jitter


class Clients:
    """The clients, each of which shows the greatest value that it has received.

    Attributes:
        lags: For each committed click, seconds until every client showed its value or a newer one.
        pending: Value and time of committed clicks that some client does not show yet.
    """

    def __init__(self, timeline: Timeline, ids: Iterable[str]) -> None:
        self.shown = dict.fromkeys(ids, 0)
        self.messages = 0
        self.lags: list[float] = []
        self.pending: deque[tuple[int, float]] = deque()
        self._timeline = timeline
        self._showing = Counter({0: len(self.shown)})  # clients by value
        self._values = [0]  # heap of the values that a client shows, or showed

    def committed(self, value: int) -> None:
        self.pending.append((value, self._timeline.now))

    def receive(self, client: str, value: int) -> None:
        self.messages += 1
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


class Throttle:
    """A token bucket, like API Gateway's for an account."""

    def __init__(self, rate: float = POSTS_PER_SECOND, burst: float = POSTS_AT_ONCE) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._filled_at = burst, 0.0
        self.throttled = 0

    def admits(self, now: float) -> bool:
        gained = (now - self._filled_at) * self._rate
        self._tokens, self._filled_at = min(self._burst, self._tokens + gained), now
        if self._tokens < 1:
            self.throttled += 1
            return False
        self._tokens -= 1
        return True


class SimulatedOutbox(Outbox):
    """The outbox of all invocations: each has its own engine, and all share the account's limit.

    `fan_out_seconds` has the time of each broadcast, from its first read (`began`) to its last
    response, if one invocation broadcasts at a time.
    """

    def __init__(
        self,
        timeline: Timeline,
        clients: Clients,
        throttle: Throttle,
        engine: Engine,
        rng: random.Random,
    ) -> None:
        self.timeline, self.clients, self.throttle = timeline, clients, throttle
        self.engine, self.rng = engine, rng
        self.began: float | None = None
        self.fan_out_seconds: list[float] = []

    def post(
        self, message: str, audience: Iterable[str], until_ms: float = float("inf")
    ) -> PostResult:
        del until_ms  # the engine here has its own limit of time
        listed = isinstance(audience, Iterator)  # a single sender is passed as a list
        sweep = Sweep(self, json.loads(message)["value"], list(audience))
        outcomes = self.timeline.wait(sweep.begin)
        if listed and self.began is not None:
            self.fan_out_seconds.append(self.timeline.now - self.began)
            self.began = None
        return PostResult(outcomes)

    def close_connection(self, connection_id: str) -> None:
        raise AssertionError(f"{connection_id} has no limit of messages")


class Sweep:
    """One message to its audience, with one request per channel at a time, as in runtime/fanout."""

    def __init__(self, outbox: SimulatedOutbox, value: int, audience: list[str]) -> None:
        self._outbox = outbox
        self._value = value
        self._rest = deque((client, 1) for client in audience)  # with the number of the attempt
        self._outcomes = dict.fromkeys(audience, Delivery.SKIPPED)
        self._begun = self._busy = self._waiting = 0
        self._cpu_free_at = 0.0

    def begin(self, done: Callable[[Mapping[str, Delivery]], None]) -> None:
        self._done = done
        if self._rest:
            self._hand_out()
        else:
            self._outbox.timeline.after(0, lambda: done(self._outcomes))

    def _hand_out(self) -> None:
        engine, timeline = self._outbox.engine, self._outbox.timeline
        large = self._begun >= engine.large
        most = engine.channels_when_large if large else engine.channels
        while self._rest and self._busy < most:
            client, attempt = self._rest.popleft()
            self._busy += 1
            self._begun += 1
            starts = max(timeline.now, self._cpu_free_at)
            self._cpu_free_at = starts + engine.cpu_seconds
            timeline.after(
                self._cpu_free_at - timeline.now + POST_SECONDS,
                lambda client=client, attempt=attempt: self._respond(client, attempt),  # type: ignore[misc]
            )

    def _respond(self, client: str, attempt: int) -> None:
        engine, timeline = self._outbox.engine, self._outbox.timeline
        self._busy -= 1
        if self._outbox.throttle.admits(timeline.now):
            self._outcomes[client] = Delivery.DELIVERED
            self._outbox.clients.receive(client, self._value)
        elif attempt < engine.attempts:
            self._waiting += 1
            delay = engine.backoff_seconds * 2**attempt * self._outbox.rng.random()
            timeline.after(delay, lambda: self._again(client, attempt + 1))
        self._go_on()

    def _again(self, client: str, attempt: int) -> None:
        self._waiting -= 1
        self._rest.appendleft((client, attempt))
        self._go_on()

    def _go_on(self) -> None:
        self._hand_out()
        if not (self._rest or self._busy or self._waiting):
            self._done(self._outcomes)


class SimulatedCounter(CounterStore):
    def __init__(self, timeline: Timeline, outbox: SimulatedOutbox) -> None:
        self._timeline, self._outbox = timeline, outbox
        self._rows = InMemoryCounterStore()

    def increment(self) -> int:
        self._timeline.sleep(DYNAMODB_SECONDS / 2)
        value = self._rows.increment()
        self._outbox.clients.committed(value)
        self._timeline.sleep(DYNAMODB_SECONDS / 2)
        return value

    def increment_once(self, op_id: str, expires_at: int) -> bool:
        self._timeline.sleep(DYNAMODB_SECONDS / 2)
        counted = self._rows.increment_once(op_id, expires_at)
        self._outbox.clients.committed(self.value_now())
        self._timeline.sleep(DYNAMODB_SECONDS / 2)
        return counted

    def value(self) -> int:
        self._outbox.began = self._outbox.began or self._timeline.now
        self._timeline.sleep(DYNAMODB_SECONDS / 2)
        value = self.value_now()
        self._timeline.sleep(DYNAMODB_SECONDS / 2)
        return value

    def value_now(self) -> int:
        return self._rows.count


class SimulatedConnections(InMemoryConnectionStore):
    """Lists all connections in one page. Clients neither connect nor disconnect."""

    timeline: Timeline
    outbox: SimulatedOutbox

    def audience(self, now_s: int, until_ms: float = float("inf")) -> Iterator[str]:
        self.outbox.began = self.outbox.began or self.timeline.now
        self.timeline.sleep(DYNAMODB_SECONDS / 2)
        rows = list(super().audience(now_s, until_ms))
        self.timeline.sleep(DYNAMODB_SECONDS / 2)
        yield from rows


class SimulatedLease(InMemoryLease):
    """`writes` is the number of writes to the lease's row so far."""

    timeline: Timeline
    writes = 0
    _renewed_until = 0

    def request(self, owner: str, now: int, until: int) -> int | None:
        return self._call(lambda: super(SimulatedLease, self).request(owner, now, until))

    def release(self, owner: str, ticket: int, until: int) -> int | None:
        newer = self._call(lambda: super(SimulatedLease, self).release(owner, ticket, until))
        if newer is not None and self._renewed_until != until:
            # As in runtime/dynamodb: the rejected write returns the ticket, a second one renews.
            self._renewed_until = until
            newer = self._call(lambda: self.tickets)
        return newer

    def abandon(self, owner: str) -> None:
        self._call(lambda: super(SimulatedLease, self).abandon(owner))

    def _call(self, operation: Callable[[], int | None]) -> int | None:
        self.writes += 1
        self.timeline.sleep(DYNAMODB_SECONDS / 2)
        result = operation()
        self.timeline.sleep(DYNAMODB_SECONDS / 2)
        return result


class SimulatedSelfInvoker(SelfInvoker):
    """`work` is the work of the invoked function."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self.work: Callable[[], object] = lambda: None

    def continue_broadcast(self) -> None:
        self._timeline.after(INVOKE_SECONDS, lambda: self._timeline.start(self.work))
