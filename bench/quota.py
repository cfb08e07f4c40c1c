"""Does every client get the value within API Gateway's quota, and what is left of it for clients?

The account's quota is shared by posts and by the clients' own messages. Two regions' quotas, three
audiences, and two patterns: one click, and a busy counter. Pages that receive no value for a minute
request it.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Final

from .report import Bar, Report, Row, Table
from .simulated_gateway import QUOTA, SMALL_QUOTA, Quota
from .simulated_service import (
    HEARTBEAT_SECONDS,
    MEMORY_MB,
    RESEND_SECONDS,
    Load,
    counter_service,
    random_moments,
)

QUOTAS: Final = (QUOTA, SMALL_QUOTA)
AUDIENCES: Final = (1000, 10_000, 50_000)
MAX_REJECTED: Final = 0.01  # of the clients' messages

# How long after the last click heartbeats are simulated: until every page has sent one.
QUIET_SECONDS: Final = HEARTBEAT_SECONDS + 15

BUSY_RATE: Final = 100  # clicks per second
BUSY_SECONDS: Final = 10.0

SINGLE, BUSY = "one click", f"{BUSY_RATE} clicks/s"
PATTERNS: Final[dict[str, Callable[[], list[float]]]] = {
    SINGLE: lambda: [0.0],
    BUSY: lambda: random_moments(BUSY_RATE, BUSY_SECONDS),
}


def measure() -> list[Row]:
    return [
        simulate(quota, clients, pattern)
        for quota in QUOTAS
        for clients in AUDIENCES
        for pattern in PATTERNS
    ]


def simulate(quota: Quota, clients: int, pattern: str) -> Row:
    clicks = PATTERNS[pattern]()
    until = clicks[-1] + QUIET_SECONDS
    load = Load(clients=clients, clicks=clicks, heartbeats_until=until, quota=quota)
    situation = {"quota": quota.requests_per_second, "clients": clients, "pattern": pattern}
    return situation | asdict(counter_service(load))


def reaches_everyone(row: Row) -> bool:
    """Whether each broadcast leaves no client stale, and API Gateway accepts clients' messages."""
    return row["stale"] == 0 and _rejected(row) < MAX_REJECTED


def reaches_everyone_in_time(row: Row) -> bool:
    """Whether every client has the last value one heartbeat after the last click."""
    return row["last_lag"] is not None and row["last_lag"] <= HEARTBEAT_SECONDS


def report(rows: list[Row]) -> Report:
    return Report(
        [
            Table(
                "Delivery within the account's quota",
                [
                    *("load", "one broadcast, s", "stale after it", "lag p99, s"),
                    *("last click at everyone after, s", "posts with 429"),
                    *("clients' messages", "rejected"),
                ],
                [_cells(row) for row in rows],
                "Stale: the most clients without the newest value at the end of a broadcast of it. "
                "A broadcast of several fan-outs reads the value before each of them. While clicks "
                "arrive, the clients of the first fan-outs get the newest value from the next "
                "broadcast. A client "
                "whose post API Gateway rejects until the fan-out's time is up requests the value, "
                f"as visible pages do {HEARTBEAT_SECONDS:.0f} s after their last value. Clients' "
                "messages: clicks and these requests. A page retries a rejected message after "
                f"{RESEND_SECONDS:.0f} s on average. postsPerSecond is half of the quota, the "
                f"function has {MEMORY_MB} MB, and nothing else uses the account.",
            )
        ],
        _bars(rows),
    )


def _cells(row: Row) -> list[str]:
    return [
        f"{row['quota']:,}/s, {row['clients']:,} clients, {row['pattern']}",
        f"{row['fan_out']:.2f}",
        f"{row['stale']:,}",
        _seconds(row["lag_p99"]),
        _seconds(row["last_lag"]),
        f"{row['throttled']:,}",
        f"{row['client_messages']:,}",
        f"{_rejected(row):.1%}",
    ]


def _bars(rows: list[Row]) -> list[Bar]:
    found = {(row["quota"], row["clients"], row["pattern"]): row for row in rows}
    small = found[SMALL_QUOTA.requests_per_second, 10_000, SINGLE]
    busy = found[QUOTA.requests_per_second, 10_000, BUSY]
    large = found[QUOTA.requests_per_second, 50_000, BUSY]
    return [
        Bar(
            "2,500/s, 10,000 clients: a broadcast leaves none stale, and less than "
            f"{MAX_REJECTED:.0%} of the clients' messages are rejected",
            _delivery(small),
            reaches_everyone(small),
        ),
        Bar(f"10,000/s, 10,000 clients, {BUSY}: the same", _delivery(busy), reaches_everyone(busy)),
        Bar(
            f"10,000/s, 50,000 clients, {BUSY}: every client has the last value within "
            f"{HEARTBEAT_SECONDS:.0f} s of the last click",
            f"{_seconds(large['last_lag'])} s",
            reaches_everyone_in_time(large),
        ),
    ]


def _seconds(lag: float | None) -> str:
    """A lag as text. None: some client did not get the value before the simulation ended."""
    return f"> {QUIET_SECONDS:.0f}" if lag is None else f"{lag:.2f}"


def _delivery(row: Row) -> str:
    return f"{row['stale']:,} stale, {_rejected(row):.1%} rejected"


def _rejected(row: Row) -> float:
    share: float = row["rejected"] / row["client_messages"]
    return share
