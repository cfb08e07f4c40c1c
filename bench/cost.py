"""What does a million clicks cost, at different rates and audiences?

Arithmetic: what bench/coalescing.py counted (messages, broadcasts, writes to the lease, seconds
in functions) times AWS's list prices. Beside ours the naive design, in which each click posts to
everyone with boto3. In both a click is counted with a plain write; with an op id, as the page
sends it, ours counts exactly once by a transaction, which is the last table.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from counter_service.runtime.contract import CONNECTED_AT, CONNECTION_KEY, EXPIRES_AT

from . import prices
from .coalescing import THEIR_CPU
from .prices import MILLION
from .report import Report, Table, read
from .simulated_aws import DYNAMODB_SECONDS

MEMORY_GB: Final = 512 / 1024  # the default of memoryMb
LOG_BYTES: Final = 1200  # an invocation: our line and Lambda's own

ID_BYTES: Final = 16  # "Rk3sYd2oFiACEQg="
SECONDS_BYTES: Final = 6  # a number of ten digits: one byte for two digits, and one more
# Names and values count (docs.aws.amazon.com/amazondynamodb/latest/developerguide/
# CapacityUnitCalculations.html).
ROW_BYTES: Final = (
    len(CONNECTION_KEY) + ID_BYTES + len(CONNECTED_AT) + len(EXPIRES_AT) + 2 * SECONDS_BYTES
)

COUNT_UNITS: Final = 1  # an ADD
TRANSACTION_UNITS: Final = 4  # the op's row and the counter, two units each


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one click, on average."""

    messages: float  # in and out
    connection_minutes: float
    gb_seconds: float
    write_units: float
    read_units: float
    invocations: float = 1.0


@dataclass(frozen=True, slots=True)
class Bill:
    """Dollars."""

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


def ours(load: Mapping[str, Any]) -> Usage:
    """`load` is one of those that bench/coalescing.py publishes."""
    counted: Mapping[str, float] = load["ours"]
    clicks, clients = counted["clicks"], int(load["clients"])
    broadcasts = counted["broadcasts"] / clicks
    return Usage(
        messages=1 + counted["messages"] / clicks,
        connection_minutes=_minutes(load),
        gb_seconds=MEMORY_GB * counted["invocation_seconds"] / clicks,
        write_units=COUNT_UNITS + counted["lease_writes"] / clicks,
        read_units=broadcasts * (1 + listing_units(clients)),  # the value, and the audience
    )


def naive(load: Mapping[str, Any]) -> Usage:
    clients = load["clients"]
    # Posting keeps a core busy; with less memory it takes as much longer as it costs less.
    whole_core_gb = prices.CPU_MEMORY_MB / 1024
    return Usage(
        messages=1 + clients,
        connection_minutes=_minutes(load),
        gb_seconds=MEMORY_GB * 2 * DYNAMODB_SECONDS + whole_core_gb * clients * THEIR_CPU,
        write_units=COUNT_UNITS,
        read_units=listing_units(clients) / 2,  # eventually consistent, as a scan is by default
    )


def _minutes(load: Mapping[str, Any]) -> float:
    minutes: float = load["clients"] / load["clicks_per_second"] / 60
    return minutes


def main() -> None:
    report(read("coalescing")["data"]["loads"]).publish()


def report(loads: list[dict[str, Any]]) -> Report:
    bills = [(load, bill(ours(load)), bill(naive(load))) for load in loads]
    return Report(
        "cost",
        [
            _totals(bills),
            _items("ours", [(load, us) for load, us, _ in bills]),
            _items("naive", [(load, them) for load, _, them in bills]),
            _exactly_once(bills),
        ],
        data={
            "loads": [
                {
                    "clicks_per_second": load["clicks_per_second"],
                    "clients": load["clients"],
                    "ours": us.total,
                    "naive": them.total,
                    "possible": load["naive"] is not None,
                }
                for load, us, them in bills
            ]
        },
    )


def _totals(bills: list[tuple[dict[str, Any], Bill, Bill]]) -> Table:
    return Table(
        "A million clicks, dollars",
        ["load", "naive", "ours", "naive / ours", "a million clicks take"],
        [
            [
                _name(load),
                _dollars(them.total) + ("" if load["naive"] else " (refused)"),
                _dollars(us.total),
                f"{them.total / us.total:,.1f}",
                _duration(MILLION / load["clicks_per_second"]),
            ]
            for load, us, them in bills
        ],
        "List prices of us-east-1, no free tier, no volume discount. Refused: the naive design "
        "would post more than AWS takes, so this is what it would cost if it could. The clients "
        "are connected all the time; at one click a second a million takes eleven days.",
    )


def _items(name: str, bills: list[tuple[dict[str, Any], Bill]]) -> Table:
    columns = ("messages", "connections", "function", "writes", "reads", "logs")
    return Table(
        f"What it is made of, {name}, dollars a million clicks",
        ["load", *columns],
        [
            [_name(load), *(_dollars(getattr(each, column)) for column in columns)]
            for load, each in bills
        ],
        f"A scan reads {ROW_BYTES} bytes a client. The function has {MEMORY_GB * 1024:.0f} MB; the "
        "CPU that the SDK takes for DynamoDB is in neither design."
        if name == "ours"
        else "",
    )


def _exactly_once(bills: list[tuple[dict[str, Any], Bill, Bill]]) -> Table:
    more = (TRANSACTION_UNITS - COUNT_UNITS) * prices.WRITE_UNIT * MILLION
    return Table(
        "What counting each click exactly once adds, dollars a million clicks",
        ["load", "with op ids", "without", "more"],
        [
            [
                _name(load),
                _dollars(us.total + more),
                _dollars(us.total),
                f"{more / us.total:.0%}",
            ]
            for load, us, _ in bills
        ],
        "A transaction writes the op's row and the counter at two units each. A repeated click, "
        "and one that meets another on the counter's row, costs a transaction more.",
    )


def _name(load: Mapping[str, Any]) -> str:
    rate = load["clicks_per_second"]
    return f"{load['clients']:,} clients, {rate:,} click{'s' if rate > 1 else ''}/s"


def _dollars(amount: float) -> str:
    return f"{amount:,.2f}" if amount < 1000 else f"{amount:,.0f}"


def _duration(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
