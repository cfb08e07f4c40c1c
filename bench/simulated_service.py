"""The counter service and the baseline on simulated AWS, in virtual time.

The counter service is the real service, broadcaster and protocol: one invocation for each click in
progress, which stops at every call to AWS. In the baseline, as in most examples, the invocation of
each click posts its value to every client itself. It gets boto3's fastest way to post, 64 threads.

Clicks arrive at random (Poisson), at the same moments for both. The seed makes the figures the same
on every run and every machine.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from statistics import median
from typing import Final

from counter_service.runtime.core import protocol
from counter_service.runtime.core.access import Access
from counter_service.runtime.core.assembly import assemble
from counter_service.runtime.core.events import ContinueBroadcast, Message
from counter_service.runtime.core.origins import OriginPolicy
from counter_service.runtime.core.ports import Connection, Ports
from counter_service.runtime.fanout.fan_out import LIMITS
from simulation.timeline import Timeline
from simulation.virtual_time import VirtualTime

from .simulated_aws import (
    EPOCH,
    Clients,
    Engine,
    SimulatedConnections,
    SimulatedCounter,
    SimulatedLease,
    SimulatedOutbox,
    SimulatedSelfInvoker,
    Throttle,
)

TIMEOUT_MS: Final = 20_000  # of an invocation
SEED: Final = 1

# CPU seconds per post on one core, from bench/fan_out.py: 10,000 posts over warm TLS connections,
# by the counter service and by boto3 in 64 threads. They are rounded, so that the figures here
# change with the design and not with every measurement.
CPU_SECONDS: Final = 25e-6
BASELINE_CPU_SECONDS: Final = 900e-6

ENGINE: Final = Engine(
    channels=LIMITS.connections,
    channels_when_large=LIMITS.connections_when_large,
    large=LIMITS.large_audience,
    cpu_seconds=CPU_SECONDS,
    attempts=5,
    backoff_seconds=LIMITS.backoff_seconds,
)
# It retries as the counter service does, which is faster than boto3.
BASELINE_ENGINE: Final = Engine(
    channels=64,
    channels_when_large=64,
    large=0,
    cpu_seconds=BASELINE_CPU_SECONDS,
    attempts=5,
    backoff_seconds=LIMITS.backoff_seconds,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one design did under one load. Times are in seconds."""

    clicks: int
    messages: int  # to clients, the responses to senders among them
    lag_p50: float  # from the commit of a click until every client has its value or a newer one
    lag_p99: float
    invocation_seconds: float  # total of all invocations
    broadcasts: int
    fan_out: float  # median time of a broadcast: value, audience and posts
    throttled: int  # posts answered with 429
    stale: int  # clients that do not show the last value at the end
    lease_writes: int


class World:
    """One AWS account, some clients, and a design that serves their clicks."""

    def __init__(self, engine: Engine, audience: int) -> None:
        self.timeline = Timeline()
        ids = [f"client-{number}" for number in range(audience)]
        self.clients = Clients(self.timeline, ids)
        self.throttle = Throttle()
        self.outbox = SimulatedOutbox(
            self.timeline, self.clients, self.throttle, engine, random.Random(SEED)
        )
        self.counter = SimulatedCounter(self.timeline, self.outbox)
        self.connections = SimulatedConnections(*(Connection(each, EPOCH) for each in ids))
        self.connections.timeline, self.connections.outbox = self.timeline, self.outbox
        self.lease = SimulatedLease()
        self.lease.timeline = self.timeline

    def run(self, rate: float, seconds: float, serve: Callable[[str], object]) -> Outcome:
        """Simulate `rate` clicks per second. `serve` is one invocation, for the click of a client
        with that id."""
        rng = random.Random(SEED)
        moment, clicks, ids = 0.0, 0, list(self.clients.shown)
        while (moment := moment + rng.expovariate(rate)) < seconds:
            work = partial(serve, rng.choice(ids))
            self.timeline.after(moment, partial(self.timeline.start, work))
            clicks += 1
        self.timeline.run()
        lags = sorted(self.clients.lags)
        last = self.counter.value_now()
        return Outcome(
            clicks=clicks,
            messages=self.clients.messages,
            lag_p50=_quantile(lags, 0.5),
            lag_p99=_quantile(lags, 0.99),
            invocation_seconds=self.timeline.process_seconds,
            broadcasts=len(self.outbox.fan_out_seconds),
            fan_out=median(self.outbox.fan_out_seconds),
            throttled=self.throttle.throttled,
            stale=sum(shown != last for shown in self.clients.shown.values()),
            lease_writes=self.lease.writes,
        )


def counter_service(rate: float, audience: int, seconds: float, interval_ms: int = 0) -> Outcome:
    del interval_ms
    world = World(ENGINE, audience)
    clock, self_invoker = VirtualTime(world.timeline), SimulatedSelfInvoker(world.timeline)
    owners = count()
    ports = Ports(
        counter=world.counter,
        connections=world.connections,
        lease=world.lease,
        outbox=world.outbox,
        self_invoker=self_invoker,
        clock=clock,
        random=random.Random(SEED).random,
        new_owner=lambda: f"invocation {next(owners)}",
    )
    service = assemble(ports, Access(OriginPolicy()))
    self_invoker.work = lambda: service.handle(ContinueBroadcast(), clock.now_ms() + TIMEOUT_MS)
    return world.run(
        rate,
        seconds,
        lambda sender: service.handle(
            Message(sender, EPOCH, '{"action":"increment"}'), clock.now_ms() + TIMEOUT_MS
        ),
    )


def baseline(rate: float, audience: int, seconds: float) -> Outcome:
    world = World(BASELINE_ENGINE, audience)

    def serve(sender: str) -> None:
        del sender  # gets the same message as everyone
        value = world.counter.increment()
        everyone = world.connections.audience(EPOCH)
        world.outbox.post(protocol.counter_update(value), everyone)

    return world.run(rate, seconds, serve)


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
