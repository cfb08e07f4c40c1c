"""What does a million clicks cost, at different rates and audiences?

The counts of bench/coalescing.py (messages, broadcasts, lease writes, seconds in functions) times
AWS's list prices. A click is counted with a plain write in both designs. Counting exactly once, as
the page does, takes a transaction. The note below the table has the price of that.
"""

from collections.abc import Mapping
from typing import Any

from counter_service.costs import prices
from counter_service.costs.bill import Usage, bill, total
from counter_service.costs.prices import MILLION
from counter_service.costs.units import (
    COUNT_UNITS,
    ROW_BYTES,
    TRANSACTION_UNITS,
    Sizing,
    Traffic,
    naive_usage,
    usage,
)

from . import fan_out
from .coalescing import BASELINE, COUNTER_SERVICE, exceeds_the_account
from .report import Report, Row, Table, load_name, read
from .simulated_service import MEMORY_MB

SIZING = Sizing(memory_mb=MEMORY_MB)


def counter_service(counted: Mapping[str, Any]) -> Usage:
    """Average usage of one click. `counted` is a row of bench/coalescing.py."""
    used = usage(traffic(counted), counted["clients"], SIZING, exactly_once=False)
    return used.times(1 / counted["clicks"])


def baseline(load: Mapping[str, Any]) -> Usage:
    """Average usage of one click."""
    click = Traffic(
        clicks=1,
        broadcasts=0,
        posts=0,
        lease_writes=0,
        function_seconds=0,
        client_seconds=load["clients"] / load["clicks_per_second"],
    )
    return naive_usage(click, load["clients"], MEMORY_MB, fan_out.cpu_seconds(fan_out.TUNED))


def traffic(counted: Mapping[str, Any]) -> Traffic:
    """The counts of a simulation."""
    clicks = counted["clicks"]
    return Traffic(
        clicks=clicks,
        broadcasts=counted["broadcasts"],
        posts=counted["messages"] - clicks,  # without the responses
        lease_writes=counted["lease_writes"],
        function_seconds=counted["invocation_seconds"],
        client_seconds=counted["clients"] * clicks / counted["clicks_per_second"],
    )


def measure() -> list[Row]:
    rows: list[Row] = []
    for counted in read("coalescing")["rows"]:
        if counted["design"] == COUNTER_SERVICE:
            load = {key: counted[key] for key in ("clicks_per_second", "clients")}
            ours, theirs = counter_service(counted), baseline(load)
            rows += [
                load | {"design": name, "total": total(bill(each.times(MILLION)))}
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
