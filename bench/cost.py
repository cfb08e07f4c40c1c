"""What does a million clicks cost, at different rates and audiences?

The counts of bench/coalescing.py (messages, broadcasts, lease writes, seconds in functions) times
AWS's list prices. A click is counted with a plain write in both designs. Counting exactly once, as
the page does, takes a transaction. The note below the table has the price of that.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from counter_service.runtime.contract import CONNECTED_AT, CONNECTION_KEY, EXPIRES_AT

from . import fan_out, prices
from .coalescing import BASELINE, COUNTER_SERVICE, exceeds_the_account
from .prices import MILLION
from .report import Report, Row, Table, load_name, read
from .simulated_aws import DYNAMODB_SECONDS
from .simulated_service import MEMORY_MB, cpu_seconds

MEMORY_GB: Final = MEMORY_MB / 1024
LOG_BYTES: Final = 1200  # per invocation: the function's line and Lambda's

ID_BYTES: Final = 16  # "Rk3sYd2oFiACEQg="
SECONDS_BYTES: Final = 6  # a number of ten digits: one byte for every two, and one more
# Names and values count (docs.aws.amazon.com/amazondynamodb/latest/developerguide/
# CapacityUnitCalculations.html).
ROW_BYTES: Final = (
    len(CONNECTION_KEY) + ID_BYTES + len(CONNECTED_AT) + len(EXPIRES_AT) + 2 * SECONDS_BYTES
)

COUNT_UNITS: Final = 1  # an ADD
TRANSACTION_UNITS: Final = 4  # the op's row and the counter, two units each


@dataclass(frozen=True, slots=True)
class Usage:
    """Average usage of one click."""

    messages: float  # in and out
    connection_minutes: float
    gb_seconds: float
    write_units: float
    read_units: float
    invocations: float = 1.0


@dataclass(frozen=True, slots=True)
class Bill:
    """The price of some clicks by item, in US dollars."""

    messages: float
    connections: float
    function: float
    writes: float
    reads: float
    logs: float

    @property
    def total(self) -> float:
        items: list[float] = [getattr(self, each.name) for each in fields(self)]
        return sum(items)


def bill(usage: Usage, clicks: float = MILLION) -> Bill:
    per_invocation = prices.INVOCATION * usage.invocations
    return Bill(
        messages=clicks * usage.messages * prices.MESSAGE,
        connections=clicks * usage.connection_minutes * prices.CONNECTION_MINUTE,
        function=clicks * (per_invocation + usage.gb_seconds * prices.GB_SECOND),
        writes=clicks * usage.write_units * prices.WRITE_UNIT,
        reads=clicks * usage.read_units * prices.READ_UNIT,
        logs=clicks * usage.invocations * LOG_BYTES / 1e9 * prices.LOG_GB,
    )


def listing_units(clients: int) -> int:
    """Read units of one strongly consistent scan of the audience."""
    return max(1, math.ceil(clients * ROW_BYTES / prices.READ_UNIT_BYTES))


def counter_service(counted: Mapping[str, Any]) -> Usage:
    """The usage of the counter service, from a row of bench/coalescing.py."""
    clicks, broadcasts = counted["clicks"], counted["broadcasts"] / counted["clicks"]
    return Usage(
        messages=1 + counted["messages"] / clicks,
        connection_minutes=_minutes(counted),
        gb_seconds=MEMORY_GB * counted["invocation_seconds"] / clicks,
        write_units=COUNT_UNITS + counted["lease_writes"] / clicks,
        read_units=broadcasts * (1 + listing_units(counted["clients"])),  # value and audience
    )


def baseline(load: Mapping[str, Any]) -> Usage:
    clients = load["clients"]
    # Posting keeps the function's share of a core busy.
    seconds = 2 * DYNAMODB_SECONDS + clients * cpu_seconds(fan_out.TUNED, MEMORY_MB)
    return Usage(
        messages=1 + clients,
        connection_minutes=_minutes(load),
        gb_seconds=MEMORY_GB * seconds,
        write_units=COUNT_UNITS,
        read_units=listing_units(clients) / 2,  # eventually consistent, the default of a scan
    )


def _minutes(load: Mapping[str, Any]) -> float:
    minutes: float = load["clients"] / load["clicks_per_second"] / 60
    return minutes


def measure() -> list[Row]:
    rows: list[Row] = []
    for counted in read("coalescing")["rows"]:
        if counted["design"] == COUNTER_SERVICE:
            load = {key: counted[key] for key in ("clicks_per_second", "clients")}
            ours, theirs = bill(counter_service(counted)), bill(baseline(load))
            rows += [
                load | {"design": name, "total": each.total}
                for name, each in ((COUNTER_SERVICE, ours), (BASELINE, theirs))
            ]
    return rows


def report(rows: list[Row]) -> Report:
    ours = [row for row in rows if row["design"] == COUNTER_SERVICE]
    theirs = [row for row in rows if row["design"] == BASELINE]
    exactly_once = (TRANSACTION_UNITS - COUNT_UNITS) * prices.WRITE_UNIT * MILLION
    return Report(
        [
            Table(
                "A million clicks, US dollars",
                ["load", "baseline", "ours", "baseline / ours", "duration of a million clicks"],
                [
                    [
                        load_name(us),
                        _dollars(them["total"]) + (" (refused)" if _is_refused(them) else ""),
                        _dollars(us["total"]),
                        f"{them['total'] / us['total']:,.1f}",
                        _duration(MILLION / us["clicks_per_second"]),
                    ]
                    for us, them in zip(ours, theirs, strict=True)
                ],
                "List prices of us-east-1, without free tiers and volume discounts. Refused: the "
                "baseline would post more than AWS accepts; this is the price if it could. Clients "
                "are connected all the time. Counting each click exactly once adds "
                f"${exactly_once:.2f} to ours, and another transaction for each retry. A scan "
                f"reads {ROW_BYTES} bytes per client; the function has {MEMORY_MB} MB.",
            )
        ]
    )


def _is_refused(load: Row) -> bool:
    return exceeds_the_account(load["clicks_per_second"], load["clients"])


def _dollars(amount: float) -> str:
    return f"{amount:,.2f}" if amount < 1000 else f"{amount:,.0f}"


def _duration(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
