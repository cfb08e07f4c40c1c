"""The result of a load for people, and for programs."""

from dataclasses import asdict
from typing import Any, Final

from rich.bar import Bar
from rich.console import Console
from rich.padding import Padding
from rich.table import Table

from counter_service.history.invariants import examples

from .result import ACKNOWLEDGEMENT, EVERYONE, Result
from .times import bounds, counts, milliseconds, name, summary

COLUMNS: Final = 100  # more do not make it easier to read
MAX_BAR: Final = 30
_REST: Final = 36  # columns of the histogram without its bars


def show(result: Result, out: Console) -> None:
    """Print a result for people."""
    plan = result.plan
    out.print(
        f"{plan.clients:,} clients, {plan.clicks_per_second:g} clicks/s for {plan.seconds:g} s, "
        f"connected within {plan.ramp_up:g} s.\n"
    )
    out.print(_percentiles(result))
    if any(result.seconds[each] for each in (ACKNOWLEDGEMENT, EVERYONE)):
        out.print()
        out.print(_histogram(result, min(MAX_BAR, (min(out.width, COLUMNS) - _REST) // 2)))
    out.print()
    out.print(_facts(result))
    for sentence in _notes(result):
        out.print(f"\n{sentence}")
    out.print()
    if result.violations:
        out.print("These invariants do not hold:", style="bold red")
        for each in examples(result.violations):
            out.print(Padding(each, (0, 0, 0, 2)))
    elif not result.unconnected:
        out.print(_verdict(result), style="bold green")


def as_json(result: Result, url: str) -> dict[str, Any]:
    """The result for programs. Times are in seconds."""
    return {
        "url": url,
        "plan": asdict(result.plan) | {"clicks": result.plan.clicks},
        "interrupted": result.was_interrupted,
        "value": {
            "before": result.stored.before,
            "after": result.stored.value,
            "growth": result.growth,
            "shared": result.stored.is_shared,
        },
        "clicks": {
            "due": len(result.clicks),
            "acknowledged": result.acknowledged,
            "lost": result.lost,
            "doubled": result.doubled,
            "foreign": result.foreign,
        },
        "seconds": {
            series: (asdict(found) if (found := summary(values)) else None)
            for series, values in result.seconds.items()
        },
        "histogram": _bars(result),
        "messages": {
            "sent": result.messages_sent,
            "received": result.messages_received,
            "reordered": result.reordered,
            "repeated": result.repeated,
            "errors": dict(result.failures),
        },
        "connections": {
            "unconnected": dict(result.unconnected),
            "reconnects": result.reconnects,
            "failed_attempts": result.failed_attempts,
        },
        "process": {
            "lag_p99": result.lag,
            "core_share": result.core_share,
            "is_bottleneck": result.is_bottleneck,
        },
        "violations": [asdict(each) for each in result.violations],
    }


def _bars(result: Result) -> list[dict[str, Any]]:
    """The bars of both histograms, which have the same bounds."""
    series = [result.seconds[each] for each in (ACKNOWLEDGEMENT, EVERYONE)]
    upper = bounds(series[0] + series[1])
    numbers = (counts(values, upper) for values in series)
    return [
        {"upper": bound, ACKNOWLEDGEMENT: acknowledged, EVERYONE: everyone}
        for bound, acknowledged, everyone in zip(upper, *numbers, strict=True)
    ]


def _percentiles(result: Result) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("", no_wrap=True)
    for column in ("count", "p50", "p90", "p99", "max"):
        table.add_column(column, justify="right", no_wrap=True)
    for series, values in result.seconds.items():
        if found := summary(values):
            times = (found.p50, found.p90, found.p99, found.greatest)
            table.add_row(series, f"{found.count:,}", *map(milliseconds, times))
        else:
            table.add_row(series, "0", "-", "-", "-", "-")
    return table


def _histogram(result: Result, width: int) -> Table:
    bars = _bars(result)
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", no_wrap=True)
    for _ in range(2):
        table.add_column(justify="right", no_wrap=True, min_width=5)
        table.add_column(width=max(width, len(ACKNOWLEDGEMENT)))
    table.add_row("up to", "", ACKNOWLEDGEMENT, "", EVERYONE, style="bold")
    for bar in bars:
        cells: list[Any] = []
        for series, colour in ((ACKNOWLEDGEMENT, "cyan"), (EVERYONE, "magenta")):
            greatest = max(each[series] for each in bars) or 1
            cells += [f"{bar[series]:,}" if bar[series] else ""]
            cells += [Bar(greatest, 0, bar[series], width=width, color=colour)]
        table.add_row(name(bar["upper"]), *cells)
    return table


def _facts(result: Result) -> Table:
    stored, growth = result.stored, result.growth
    connected = len(result.connected) - len(result.unconnected)
    facts = {
        "clicks": f"{result.acknowledged:,} of {result.plan.clicks:,} acknowledged; the value grew "
        f"by {growth:,}, from {stored.before:,} to {stored.value:,}",
        "foreign": f"{result.foreign:,} clicks of other clients" if stored.is_shared else "",
        "lost": f"{result.lost:,} clicks; {result.left_behind:,} clients without the last value",
        "doubled": f"{result.doubled:,} clicks; {result.repeated:,} acknowledgements",
        "reordered": f"{result.reordered:,} values, which clients ignore",
        "errors": ", ".join(f"{number:,} {code}" for code, number in result.failures.items()),
        "connections": f"{connected:,} of {result.plan.clients:,} clients at the end; "
        f"{result.reconnects:,} reconnects; {result.failed_attempts:,} failed attempts",
        "messages": f"{result.messages_sent + result.messages_received:,}: "
        f"{result.messages_sent:,} from clients, {result.messages_received:,} to clients",
        "this process": f"{result.core_share:.0%} of a core; event loop late by "
        f"{milliseconds(result.lag)} (p99)",
    }
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for fact, text in facts.items():
        if text:
            table.add_row(fact, text)
    return table


def _notes(result: Result) -> list[str]:
    notes = []
    if result.was_interrupted:
        notes.append("Ctrl-C ended the load early.")
    if result.is_bottleneck:
        notes.append(
            "This process was itself the bottleneck: its event loop was late, and the latencies "
            "contain that. Take fewer clients or clicks, or a faster or quieter machine."
        )
    if result.unconnected:
        client, problem = next(iter(result.unconnected.items()))
        notes.append(
            f"{len(result.unconnected):,} of the clients have no connection at the end. "
            f"The problem of {client}: {problem}"
        )
    if result.doubled:
        notes.append(
            "Another client that clicks at the same time, such as an open page, also makes the "
            "value grow. Close it and repeat the load."
        )
    return notes


def _verdict(result: Result) -> str:
    if result.stored.is_shared:
        return "No acknowledged click was lost, and every client shows the last value."
    return "Every acknowledged click counted exactly once, and every client shows the last value."
