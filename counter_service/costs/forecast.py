"""The traffic that a number of clients and clicks causes, as a formula.

Clicks arrive at random (Poisson). docs/performance.md compares simulations of the real code; a test
compares this formula with them.
"""

import math
from dataclasses import dataclass, replace
from typing import Final

from .bill import Usage
from .units import (
    DYNAMODB_SECONDS,
    NAIVE_POST_CPU_SECONDS,
    POST_CPU_SECONDS,
    POST_SECONDS,
    Sizing,
    Traffic,
    core_share,
    naive_usage,
    sampled,
    standing,
    usage,
)

# The page's own times, from web/src/client/times.ts.
HEARTBEAT_SECONDS: Final = 60.0  # without a value, until a visible page requests it
ROTATE_MINUTES: Final = 110.0  # mean age at which it replaces its connection

MAX_CLIENTS: Final = 1_000_000
MAX_CLICKS_PER_SECOND: Final = 10_000  # the quota of requests of an account
MONTH_DAYS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Clients that are connected at the same hours of each day.

    Attributes:
        clients: Connected at the same time, in visible pages.
        clicks_per_second: Of all clients together.
        hours: Of a day in which they are connected and click.
        days: Number of days.
    """

    clients: int
    clicks_per_second: float
    hours: float
    days: int = MONTH_DAYS

    def __post_init__(self) -> None:
        """Raises ValueError with a sentence for a load that the model does not cover."""
        if not 1 <= self.clients <= MAX_CLIENTS:
            raise ValueError(
                f"The number of clients is {self.clients:,}, but must be from 1 to {MAX_CLIENTS:,}."
            )
        if not 0 <= self.clicks_per_second <= MAX_CLICKS_PER_SECOND:
            raise ValueError(
                f"The clicks per second are {self.clicks_per_second:g}, but must be from 0 to "
                f"{MAX_CLICKS_PER_SECOND:,}, API Gateway's quota."
            )
        if not 0 < self.hours <= 24:
            raise ValueError(
                f"The hours of a day are {self.hours:g}, but must be more than 0 and at most 24."
            )

    @property
    def seconds(self) -> float:
        """In which they are connected, of all days together."""
        return self.hours * 3600 * self.days


def month(load: Load, sizing: Sizing) -> Usage:
    """What the counter takes in a month, which is the load's 30 days."""
    used = usage(expected(load, sizing), load.clients, sizing)
    traces = sampled(used.invocations, load.seconds) if sizing.tracing else 0.0
    return replace(used, traces=traces, **standing(sizing))


def naive_month(load: Load, sizing: Sizing) -> Usage:
    """What the naive design takes in a month, if AWS accepted all of its posts."""
    traffic = expected(load, sizing)
    return naive_usage(traffic, load.clients, sizing.memory_mb, NAIVE_POST_CPU_SECONDS)


def expected(load: Load, sizing: Sizing, *, exactly_once: bool = True) -> Traffic:
    """The traffic of all days together."""
    rate, seconds = load.clicks_per_second, load.seconds
    duration = broadcast_seconds(load.clients, sizing)
    broadcasts = broadcasts_per_second(rate, duration)
    connections = load.clients * load.days * math.ceil(load.hours * 60 / ROTATE_MINUTES)
    # A connection requests the value when it is open.
    requests = load.clients * _heartbeats_per_second(broadcasts) * seconds + connections
    counting = DYNAMODB_SECONDS if sizing.clicks_per_second else 0.0
    response = POST_SECONDS + POST_CPU_SECONDS / core_share(sizing.memory_mb)
    click = (3 if exactly_once else 2) * DYNAMODB_SECONDS + counting + response
    request = 3 * DYNAMODB_SECONDS + counting + response
    return Traffic(
        clicks=rate * seconds,
        broadcasts=broadcasts * seconds,
        posts=(broadcasts * load.clients - _left_out(rate, broadcasts, duration)) * seconds,
        # A ticket for each click, an attempt to release after each broadcast, and a renewal for
        # each second of broadcasting.
        lease_writes=(rate + broadcasts + broadcasts * duration) * seconds,
        function_seconds=(rate * click + broadcasts * duration) * seconds
        + requests * request
        + connections * 2 * DYNAMODB_SECONDS,
        client_seconds=load.clients * seconds,
        value_requests=requests,
        connections=connections,
    )


def broadcast_seconds(clients: int, sizing: Sizing) -> float:
    """The time of a broadcast: that of its posts at the limit, or with the CPU of the function."""
    cpu = clients * POST_CPU_SECONDS / core_share(sizing.memory_mb)
    return max(clients / sizing.posts_per_second, 3 * DYNAMODB_SECONDS + POST_SECONDS + cpu)


def broadcasts_per_second(rate: float, duration: float) -> float:
    """Clicks during a broadcast share the next one, which begins at once.

    A broadcast during which no click arrives is followed by a mean pause of 1 / rate.
    """
    return rate / (rate * duration + math.exp(-rate * duration))


def _left_out(rate: float, broadcasts: float, duration: float) -> float:
    """Posts a second that a sender does not get, because its response had the same value.

    The first broadcast after a pause has it, unless another click is counted before it is read.
    """
    return broadcasts * math.exp(-rate * duration) * math.exp(-rate * 2 * DYNAMODB_SECONDS)


def _heartbeats_per_second(broadcasts: float) -> float:
    """Requests of one visible page, which has received no value for a while."""
    silences = broadcasts * HEARTBEAT_SECONDS
    if silences == 0:
        return 1 / HEARTBEAT_SECONDS
    return broadcasts * math.exp(-silences) / -math.expm1(-silences)
