"""How many units of AWS the traffic of a counter takes, in this design and in the naive one."""

import math
from dataclasses import dataclass
from typing import Final

from counter_service.runtime.contract import CONNECTED_AT, CONNECTION_KEY, EXPIRES_AT, Metric

from . import prices
from .bill import Usage

# Assumed for both designs: docs/performance.md.
DYNAMODB_SECONDS: Final = 0.005  # a call
POST_SECONDS: Final = 0.010  # the response of @connections
CPU_MEMORY_MB: Final = 1769  # a function with this much memory has one whole core

# CPU of a post, in seconds on a whole core: bench/results/fan_out.json.
POST_CPU_SECONDS: Final = 43.7e-6
NAIVE_POST_CPU_SECONDS: Final = 2741e-6  # boto3 with 16 threads

ID_BYTES: Final = 16  # "Rk3sYd2oFiACEQg="
SECONDS_BYTES: Final = 6  # a number of ten digits: one byte for two digits, and one more
# Names and values count (docs.aws.amazon.com/amazondynamodb/latest/developerguide/
# CapacityUnitCalculations.html).
ROW_BYTES: Final = (
    len(CONNECTION_KEY) + ID_BYTES + len(CONNECTED_AT) + len(EXPIRES_AT) + 2 * SECONDS_BYTES
)

COUNT_UNITS: Final = 1  # an ADD
TRANSACTION_UNITS: Final = 4  # the op's row and the counter, two units each

CLICKS_PER_ROW: Final = 50  # a second, about: docs/adr/0012-shards.md

ALARMS: Final = 9  # the number in counter_service/infra/alarms.py
# X-Ray traces the first request of a second, and this share of the others.
SAMPLED: Final = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizing:
    """The keys of Pulumi.yaml that the bill depends on."""

    memory_mb: int = 512
    posts_per_second: int = 5000
    counter_shards: int = 1
    clicks_per_second: int = 0  # limit of one connection; 0 disables it
    access_logs: bool = False
    tracing: bool = False
    alarms: bool = False
    dashboard: bool = False
    domain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What happens in some period: counted by a simulation, or expected by `forecast`."""

    clicks: float
    broadcasts: float
    posts: float  # sent by broadcasts
    lease_writes: float
    function_seconds: float
    client_seconds: float  # connected, of all clients together
    value_requests: float = 0.0
    connections: float = 0.0  # that were opened and closed


def core_share(memory_mb: int) -> float:
    """The share of a core that Lambda gives to one thread of a function with this much memory."""
    return min(1.0, memory_mb / CPU_MEMORY_MB)


def listing_units(clients: int) -> int:
    """Read units of one strongly consistent scan of the audience."""
    return max(1, math.ceil(clients * ROW_BYTES / prices.READ_UNIT_BYTES))


def usage(traffic: Traffic, clients: int, sizing: Sizing, *, exactly_once: bool = True) -> Usage:
    """What the traffic takes, without what a month costs in any case.

    Args:
        clients: The audience of a broadcast.
        exactly_once: Whether clicks have op ids, as those of the page have.
    """
    clicks, requests = traffic.clicks, traffic.value_requests
    value = sizing.counter_shards  # units to read it
    # One ADD of a single row returns the value.
    reads_value = exactly_once or sizing.counter_shards > 1
    messages = clicks + requests
    return Usage(
        messages_in=messages,
        messages_out=traffic.posts + messages,  # each has a response
        connection_minutes=traffic.client_seconds / 60,
        invocations=messages + 2 * traffic.connections,
        gb_seconds=sizing.memory_mb / 1024 * traffic.function_seconds,
        write_units=clicks * (TRANSACTION_UNITS if exactly_once else COUNT_UNITS)
        + traffic.lease_writes
        + requests  # puts the client's row
        + 2 * traffic.connections  # puts and deletes it
        + (_limit_units(messages, traffic.client_seconds) if sizing.clicks_per_second else 0),
        read_units=clicks * value * reads_value
        + traffic.broadcasts * (value + listing_units(clients))
        + requests * (value + 1),  # and the lease
        logged_requests=(messages + 2 * traffic.connections) * sizing.access_logs,
    )


def naive_usage(traffic: Traffic, clients: int, memory_mb: int, cpu_seconds: float) -> Usage:
    """What the same clicks take if the invocation of each posts its value to every client.

    Args:
        traffic: Only its clicks, connections and seconds of clients count.
        cpu_seconds: CPU of a post on a whole core, which posting keeps busy.
    """
    clicks = traffic.clicks
    seconds = 2 * DYNAMODB_SECONDS + clients * cpu_seconds / core_share(memory_mb)
    return Usage(
        messages_in=clicks,
        messages_out=clicks * clients,
        connection_minutes=traffic.client_seconds / 60,
        invocations=clicks + 2 * traffic.connections,
        gb_seconds=memory_mb / 1024 * clicks * seconds,
        write_units=clicks * COUNT_UNITS + 2 * traffic.connections,
        read_units=clicks * listing_units(clients) / 2,  # eventually consistent, a scan's default
    )


def standing(sizing: Sizing) -> dict[str, int]:
    """What a month takes without any traffic, by field of Usage."""
    return {
        "alarms": ALARMS * sizing.alarms,
        "dashboards": int(sizing.dashboard),
        "custom_metrics": len(Metric) * (sizing.alarms or sizing.dashboard),
        "hosted_zones": int(sizing.domain),
    }


def sampled(invocations: float, seconds: float) -> float:
    """The traces of so many invocations in this time."""
    first = min(invocations, seconds)
    return first + SAMPLED * (invocations - first)


def _limit_units(messages: float, client_seconds: float) -> float:
    """Units of counting each client's messages of a second: the first takes a second write."""
    return messages - client_seconds * math.expm1(-messages / client_seconds)
