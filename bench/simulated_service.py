"""Simulates the counter service and the baseline on AWS, in virtual time.

The counter service is the real service, broadcaster and protocol. There is one instance of the
function for each invocation in progress, and it waits at every call to AWS. Its fan-out has the
real pace and the real queue. In the baseline, as in most examples, the invocation of each click
posts the click's value to every client. It posts in boto3's fastest way.

Both get the same clicks at the same moments. The seed makes the figures the same on every run and
every machine.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from statistics import median
from typing import Final, Generic, TypeVar

from counter_service.costs.units import core_share
from counter_service.runtime.core import protocol
from counter_service.runtime.core.access import Access
from counter_service.runtime.core.assembly import assemble
from counter_service.runtime.core.events import ContinueBroadcast, Message
from counter_service.runtime.core.origins import OriginPolicy
from counter_service.runtime.core.ports import Connection, Ports
from counter_service.runtime.core.service import CounterService
from counter_service.runtime.fanout.fan_out import LIMITS, Limits
from counter_service.runtime.fanout.pace import UNLIMITED
from simulation.timeline import Timeline
from simulation.virtual_time import VirtualTime

from . import fan_out
from .simulated_aws import (
    EPOCH,
    SimulatedConnections,
    SimulatedCounter,
    SimulatedLease,
    SimulatedSelfInvoker,
)
from .simulated_gateway import (
    QUOTA,
    Broadcasts,
    Clients,
    Engine,
    Quota,
    SimulatedOutbox,
    TokenBucket,
)

TIMEOUT_MS: Final = 20_000  # of an invocation
MEMORY_MB: Final = 512  # the default of memoryMb
SEED: Final = 1

# A page that has received no value for this long requests it (web/src/client/times.ts).
HEARTBEAT_SECONDS: Final = 60.0
# The mean delay after which a page resends a rejected message.
RESEND_SECONDS: Final = 3.0

# boto3 with the number of threads with which it is fastest, and without a time limit.
BOTO3_LIMITS: Final = Limits(
    connections=fan_out.TUNED_THREADS,
    connections_when_large=fan_out.TUNED_THREADS,
    fan_out_seconds=float("inf"),
)

Instance = TypeVar("Instance")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """The number of clients, their clicks and their region."""

    clients: int
    clicks: Sequence[float]  # the moments, in seconds
    heartbeats_until: float = 0.0  # the moment after which no page sends a heartbeat
    quota: Quota = QUOTA
    memory_mb: int = MEMORY_MB


@dataclass(frozen=True, slots=True)
class Outcome:
    """Measurements of one design under one load. Times are in seconds.

    A lag is the time from the commit of a click until every client has its value or a newer one;
    None if some client never got it.
    """

    clicks: int
    seconds: float  # until everything is done
    messages: int  # to clients, responses to senders included
    lag_p50: float | None
    lag_p99: float | None
    last_lag: float | None  # of the last click
    invocation_seconds: float  # total of all invocations
    broadcasts: int
    fan_out: float  # median time of a broadcast: audience, value and posts
    throttled: int  # posts that got a 429
    stale: int  # most clients without the newest value at the end of a broadcast that sent it
    client_messages: int  # from clients: clicks and heartbeats, resent ones included
    rejected: int  # messages from clients that got a 429
    lease_writes: int


def random_moments(rate: float, seconds: float) -> list[float]:
    """Moments of `rate` clicks per second, which arrive at random (Poisson)."""
    rng = random.Random(SEED)
    moments, moment = list[float](), rng.expovariate(rate)
    while moment < seconds:
        moments.append(moment)
        moment += rng.expovariate(rate)
    return moments


class Function(Generic[Instance]):
    """A Lambda function, each instance of which serves one invocation at a time.

    AWS does not document which idle instance Lambda takes, so here it is a random one.
    """

    def __init__(self, new_instance: Callable[[], Instance]) -> None:
        self._new_instance = new_instance
        self._idle: list[Instance] = []
        self._rng = random.Random(SEED)

    def invoke(self, work: Callable[[Instance], object]) -> None:
        if self._idle:
            instance = self._idle.pop(self._rng.randrange(len(self._idle)))
        else:
            instance = self._new_instance()
        work(instance)
        self._idle.append(instance)


class World:
    """One AWS account, some clients, and a design that serves their messages."""

    def __init__(self, load: Load, engine: Engine) -> None:
        self.timeline = Timeline()
        ids = [f"client-{number}" for number in range(load.clients)]
        self.clients = Clients(self.timeline, ids)
        self.counter = SimulatedCounter(self.timeline, self.clients)
        self.connections = SimulatedConnections(*(Connection(each, EPOCH) for each in ids))
        self.connections.timeline = self.timeline
        self.broadcasts = self.connections.broadcasts = Broadcasts()
        self.lease = SimulatedLease()
        self.lease.timeline = self.timeline
        self._load, self._engine = load, engine
        self._bucket = TokenBucket(load.quota)
        self._rng = random.Random(SEED)
        self._client_messages = self._rejected = 0

    def new_outbox(self) -> SimulatedOutbox:
        return SimulatedOutbox(
            self.timeline, self.clients, self._bucket, self.broadcasts, self._engine, self._rng
        )

    def run(
        self, click: Callable[[str], object], heartbeat: Callable[[str], object] = lambda _: None
    ) -> Outcome:
        """Simulate the load. The arguments invoke the function for the client with that id."""
        rng, ids, clicks = random.Random(SEED), list(self.clients.shown), self._load.clicks
        for moment in clicks:
            self.timeline.after(moment, partial(self._send, partial(click, rng.choice(ids))))
        for client in ids:
            # Spread the heartbeats, as if the clients had received values at random moments before.
            self.clients.received_at[client] = -rng.uniform(0, HEARTBEAT_SECONDS)
            self._schedule_heartbeat(client, heartbeat)
        self.timeline.run()
        lags = self.clients.lags
        return Outcome(
            clicks=len(clicks),
            seconds=self.timeline.now,
            messages=self.clients.messages,
            lag_p50=_quantile(lags, 0.5, len(clicks)),
            lag_p99=_quantile(lags, 0.99, len(clicks)),
            last_lag=None if self.clients.pending else lags[-1],
            invocation_seconds=self.timeline.process_seconds,
            broadcasts=len(self.broadcasts.seconds),
            fan_out=median(self.broadcasts.seconds),
            throttled=self.broadcasts.throttled,
            stale=max(self.broadcasts.stale),
            client_messages=self._client_messages,
            rejected=self._rejected,
            lease_writes=self.lease.writes,
        )

    def _send(self, work: Callable[[], object]) -> None:
        """Send a client's message: invoke the function, if the quota allows it."""
        self._client_messages += 1
        if self._bucket.admits(self.timeline.now):
            self.timeline.start(work)
        else:
            self._rejected += 1
            delay = RESEND_SECONDS * self._rng.uniform(0.5, 1.5)
            self.timeline.after(delay, partial(self._send, work))

    def _schedule_heartbeat(self, client: str, heartbeat: Callable[[str], object]) -> None:
        """Request the value whenever the client has received none for HEARTBEAT_SECONDS."""

        def due_in() -> float:
            return self.clients.received_at[client] + HEARTBEAT_SECONDS - self.timeline.now

        def check() -> None:
            delay = due_in()
            if delay <= 0:
                self._send(partial(heartbeat, client))
                delay = HEARTBEAT_SECONDS
            schedule(delay)

        def schedule(delay: float) -> None:
            if self.timeline.now + delay < self._load.heartbeats_until:
                self.timeline.after(delay, check)

        schedule(due_in())


def counter_service(load: Load) -> Outcome:
    engine = Engine(
        limits=LIMITS,
        posts_per_second=load.quota.default_posts_per_second,
        cpu_seconds=cpu_seconds(fan_out.COUNTER_SERVICE, load.memory_mb),
        follows_throttling=True,
    )
    world = World(load, engine)
    clock, self_invoker = VirtualTime(world.timeline), SimulatedSelfInvoker(world.timeline)
    owners = count()

    def new_instance() -> CounterService:
        ports = Ports(
            counter=world.counter,
            connections=world.connections,
            lease=world.lease,
            outbox=world.new_outbox(),
            self_invoker=self_invoker,
            clock=clock,
            random=random.Random(SEED).random,
            new_owner=lambda: f"invocation {next(owners)}",
        )
        return assemble(ports, Access(OriginPolicy()))

    function = Function(new_instance)

    def invoke(event: Message | ContinueBroadcast) -> None:
        function.invoke(lambda service: service.handle(event, clock.now_ms() + TIMEOUT_MS))

    self_invoker.work = lambda progress: invoke(ContinueBroadcast(progress))
    return world.run(
        click=lambda sender: invoke(Message(sender, EPOCH, '{"action":"increment"}')),
        heartbeat=lambda sender: invoke(Message(sender, EPOCH, '{"action":"get-current"}')),
    )


def baseline(load: Load) -> Outcome:
    """The baseline, with the counter service's retries, which are faster than boto3's."""
    engine = Engine(
        limits=BOTO3_LIMITS,
        posts_per_second=UNLIMITED,
        cpu_seconds=cpu_seconds(fan_out.TUNED, load.memory_mb),
        follows_throttling=False,
    )
    world = World(load, engine)
    function = Function(world.new_outbox)

    def serve(outbox: SimulatedOutbox) -> None:
        value = world.counter.increment()
        outbox.post(protocol.counter_update(value), world.connections.audience(EPOCH))

    return world.run(click=lambda _: function.invoke(serve))


def cpu_seconds(client: str, memory_mb: int) -> float:
    """The time that the CPU work of a post takes in a function with this much memory."""
    return fan_out.cpu_seconds(client) / core_share(memory_mb)


def _quantile(lags: Sequence[float], share: float, clicks: int) -> float | None:
    """A quantile of the lags of all clicks. Clicks without a lag count as the slowest."""
    ordered, place = sorted(lags), min(clicks - 1, int(share * clicks))
    return ordered[place] if place < len(ordered) else None
