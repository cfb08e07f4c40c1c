"""What does one broadcaster at a time save, and what does it cost in time?

Ours is the real service, broadcaster and protocol, on simulated AWS in virtual time: as many
invocations at once as there are clicks under way, each stopping at every call. Beside it the
naive design, as most examples have it: every click posts its value to everyone, itself. To it
we give boto3's fastest way of posting, 64 threads.

Both count the answer to the sender as a message. An update's lag runs from the commit of a
click until every client has its value or a newer one. Clicks come at random (Poisson), the same
ones for both designs; a seed makes each figure the same every time, on every machine.
"""

import random
from collections.abc import Callable
from dataclasses import asdict, dataclass
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

from .report import Bar, Report, Table
from .simulated_aws import (
    DYNAMODB_SECONDS,
    EPOCH,
    POST_SECONDS,
    POSTS_AT_ONCE,
    POSTS_PER_SECOND,
    Clients,
    Engine,
    SimulatedConnections,
    SimulatedCounter,
    SimulatedLease,
    SimulatedOutbox,
    SimulatedSelfInvoker,
    Throttle,
)

RATES: Final = (1, 10, 100, 1000)  # clicks a second
AUDIENCES: Final = (100, 1000, 10_000)
SECONDS: Final = 10.0
CLICKS_AT_LEAST: Final = 100  # or p99 would be the maximum
INTERVAL_MS: Final = 100
SEED: Final = 1
NOTHING: Final = "-"  # nothing to be told: AWS would refuse it

# CPU seconds a post on a core of its own, as bench/fan_out.py found them: 10,000 posts over warm
# TLS connections, ours and boto3 in 64 threads. Rounded, so that a figure here changes when the
# design does and not with the weather.
OUR_CPU: Final = 25e-6
THEIR_CPU: Final = 900e-6

OURS: Final = Engine(
    channels=LIMITS.connections,
    channels_when_large=LIMITS.connections_when_large,
    large=LIMITS.large_audience,
    cpu_seconds=OUR_CPU,
    attempts=LIMITS.attempts_when_throttled,
    backoff_seconds=LIMITS.backoff_seconds,
)
# Its retries are made ours, which are quicker than boto3's.
THEIRS: Final = Engine(
    channels=64,
    channels_when_large=64,
    large=0,
    cpu_seconds=THEIR_CPU,
    attempts=LIMITS.attempts_when_throttled,
    backoff_seconds=LIMITS.backoff_seconds,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one design under one load. Times are in seconds."""

    clicks: int
    messages: int
    lag_p50: float
    lag_p99: float
    invocation_seconds: float  # of all functions together
    broadcasts: int
    fan_out: float  # of one broadcaster: the median, from its first question to its last answer
    refused: int  # posts, with 429
    stale: int  # clients that do not show the last value at the end
    lease_writes: int


class World:
    """One account, some clients, and a design that serves their clicks."""

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
        """`serve` is what one invocation does for a sender's click."""
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
            refused=self.throttle.refused,
            stale=sum(shown != last for shown in self.clients.shown.values()),
            lease_writes=self.lease.writes,
        )


def ours(rate: float, audience: int, seconds: float, interval_ms: int = 0) -> Outcome:
    world = World(OURS, audience)
    self_invoker = SimulatedSelfInvoker(world.timeline)
    owners = count()
    ports = Ports(
        counter=world.counter,
        connections=world.connections,
        lease=world.lease,
        outbox=world.outbox,
        self_invoker=self_invoker,
        clock=VirtualTime(world.timeline),
        random=random.Random(SEED).random,
        new_owner=lambda: f"invocation {next(owners)}",
    )
    service = assemble(ports, Access(OriginPolicy()), broadcast_interval_ms=interval_ms)
    self_invoker.work = partial(service.handle, ContinueBroadcast())
    return world.run(
        rate,
        seconds,
        lambda sender: service.handle(Message(sender, EPOCH, '{"action":"increment"}')),
    )


def naive(rate: float, audience: int, seconds: float) -> Outcome:
    world = World(THEIRS, audience)

    def serve(sender: str) -> None:
        del sender  # is told as one of everyone
        value = world.counter.increment()
        everyone = world.connections.audience(EPOCH)
        world.outbox.post(protocol.counter_update(value), everyone)

    return world.run(rate, seconds, serve)


def exceeds_the_account(rate: float, audience: int) -> bool:
    """Whether the naive design would post more than AWS takes: then nothing has an end."""
    return rate * audience > POSTS_PER_SECOND


def main(
    rates: tuple[int, ...] = RATES, audiences: tuple[int, ...] = AUDIENCES, seconds: float = SECONDS
) -> None:
    loads = [(rate, audience) for audience in audiences for rate in rates]
    found = {}
    for rate, audience in loads:
        enough = max(seconds, CLICKS_AT_LEAST / rate)
        found[rate, audience] = (
            ours(rate, audience, enough),
            None if exceeds_the_account(rate, audience) else naive(rate, audience, enough),
        )
    spaced = {
        (rate, audience): ours(rate, audience, max(seconds, CLICKS_AT_LEAST / rate), INTERVAL_MS)
        for rate, audience in loads
        if rate >= 100
    }
    report(found, spaced).publish()


Found = dict[tuple[int, int], tuple[Outcome, Outcome | None]]


def report(found: Found, spaced: dict[tuple[int, int], Outcome]) -> Report:
    tables = [_messages(found), _lags(found), _spaced(found, spaced)]
    data = {
        "loads": [
            {
                "clicks_per_second": rate,
                "clients": audience,
                "ours": asdict(us),
                "naive": asdict(them) if them else None,  # None: more than AWS takes
            }
            for (rate, audience), (us, them) in found.items()
        ]
    }
    return Report("coalescing", tables, _bars(found), data)


def _messages(found: Found) -> Table:
    rows = []
    for (rate, audience), (us, them) in found.items():
        wanted = rate * audience
        rows.append(
            [
                _load(rate, audience),
                f"{audience:,}",
                _figure(us.messages / us.clicks),
                f"{audience * us.clicks / us.messages:,.1f}",
                f"{wanted:,}" + (" (refused)" if exceeds_the_account(rate, audience) else ""),
                f"{us.messages / us.clicks * rate:,.0f}",
                f"{them.stale:,}" if them else NOTHING,
                f"{us.stale:,}",
            ]
        )
    return Table(
        "Messages a click",
        [
            *("load", "naive", "ours", "naive / ours", "naive posts/s", "our posts/s"),
            *("naive left stale", "ours left stale"),
        ],
        rows,
        f"AWS lets an account post {POSTS_PER_SECOND:,} times a second: what is refused there "
        "is what the naive design cannot do. Stale are clients that do not show the last value "
        "when all is over: at the account's limit a post that is refused time and again is given "
        "up, until the client's heartbeat asks. A sender's answer counts in both designs; where "
        "the broadcast has the same value, it leaves the sender out.",
    )


def _lags(found: Found) -> Table:
    rows = []
    for (rate, audience), (us, them) in found.items():
        rows.append(
            [
                _load(rate, audience),
                _ms(them.lag_p50) if them else NOTHING,
                _ms(them.lag_p99) if them else NOTHING,
                _ms(us.lag_p50),
                _ms(us.lag_p99),
                _ms(us.fan_out),
                f"{us.lag_p99 / us.fan_out:.2f}",
                f"{us.lease_writes / us.clicks * rate:,.0f}",
            ]
        )
    return Table(
        "From a click's commit until every client has it, ms",
        [
            *("load", "naive p50", "naive p99", "ours p50", "ours p99"),
            *("a fan-out", "p99 in fan-outs", "lease writes/s"),
        ],
        rows,
        f"Simulated: DynamoDB answers in {DYNAMODB_SECONDS * 1000:.0f} ms, @connections in "
        f"{POST_SECONDS * 1000:.0f} ms, {POSTS_PER_SECOND:,} posts/s and {POSTS_AT_ONCE:,} at "
        f"once in the account, warm functions without end; CPU {OUR_CPU * 1e6:.0f} µs a post of "
        f"ours, {THEIR_CPU * 1e6:.0f} µs of boto3's. A fan-out is value, audience and posts. "
        "Not simulated: one DynamoDB item takes about 1,000 writes a second, and at 1,000 "
        "clicks/s the counter's row and the lease's are at that limit or past it.",
    )


def _spaced(found: Found, spaced: dict[tuple[int, int], Outcome]) -> Table:
    rows = []
    for load, slow in spaced.items():
        rate, audience = load
        fast = found[load][0]
        rows.append(
            [
                _load(rate, audience),
                _figure(fast.messages / fast.clicks),
                _figure(slow.messages / slow.clicks),
                _ms(fast.lag_p99),
                _ms(slow.lag_p99),
            ]
        )
    return Table(
        f"With broadcastIntervalMs = {INTERVAL_MS}",
        ["load", "messages a click at 0", "spaced", "lag p99 at 0, ms", "spaced"],
        rows,
    )


def _bars(found: Found) -> list[Bar]:
    if (1000, 1000) not in found:
        return []
    us, _ = found[1000, 1000]
    messages, lag = us.messages / us.clicks, us.lag_p99 / us.fan_out
    stale = sum(each.stale for each, _ in found.values() if not each.refused)
    return [
        Bar(
            "at 1,000 clicks/s and 1,000 clients at most 1/20 of the naive messages",
            f"1/{1000 / messages:.0f}",
            messages <= 1000 / 20,
        ),
        Bar("there, lag p99 at most 2 fan-outs", f"{lag:.2f}", lag <= 2),
        Bar(
            "every client ends with the last value wherever AWS took all posts",
            f"{stale} do not",
            not stale,
        ),
    ]


def _load(rate: int, audience: int) -> str:
    return f"{audience:,} clients, {rate:,} click{'s' if rate > 1 else ''}/s"


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f}"


def _figure(number: float) -> str:
    return f"{number:,.1f}" if number < 100 else f"{number:,.0f}"
