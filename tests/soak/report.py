"""The result of a soak: a summary for the terminal, and docs/reliability.md."""

import platform
from collections.abc import Sequence
from pathlib import Path
from statistics import quantiles

from bench.report import circumstances
from counter_service.history.figures import Totals, doubled, invented, lost, totals
from counter_service.history.invariants import CONVERGENCE_SECONDS, Violation

from .clients import HEARTBEAT_SECONDS
from .driver import CROWD, HEALING_SECONDS, ROUND_SECONDS
from .run import Options, Run

BAR = 50_000  # acknowledged clicks of a run that is long enough to publish

TEMPLATE = Path(__file__).with_name("page.md")


def figures(run: Run, options: Options) -> dict[str, str]:
    """The figures of a run, as text."""
    history, stored = run.recorder.history, run.stored
    found = totals(history)
    clicks = len(found.acknowledged)
    crowd, few = _convergence(found)
    rows = {
        "duration": f"{run.seconds / 60:.1f} min",
        "quiets": f"{run.rounds:,}",
        "clients that click, listen, are Chromium tabs": (
            f"{options.clickers + 2}, {options.listeners}, {options.tabs}"
        ),
        "clicks acknowledged": f"{clicks:,}",
        "increments without an op id": f"{found.most_without_id:,}",
        "final value": f"{stored.value:,}",
        "lost": f"{lost(found, stored):,}",
        "doubled": f"{doubled(found, stored):,}",
        "invented": f"{invented(found, stored):,}",
        "reconnects": f"{run.reconnects:,}",
        "faults, and connections that they affected": (
            f"{run.faults.times.total():,}, {run.faults.struck.total():,}"
        ),
    }
    rows |= {f"convergence, {name}": text for name, text in _percentiles(few).items()}
    if run.cut_at_once:
        rows |= {
            "sockets cut at once": f"{run.cut_at_once:,}",
            "until every client had a value again": f"{run.storm_seconds:.0f} s",
        }
        rows |= {f"their convergence, {name}": text for name, text in _percentiles(crowd).items()}
    if clicks:
        minutes = BAR / clicks * run.seconds_of_rounds / 60
        rows[f"{BAR:,} clicks at this rate"] = f"{minutes:.0f} min"
    return rows


def _convergence(found: Totals) -> tuple[list[float], list[float]]:
    """The times of the storm's clients, and those of the others."""
    crowd: list[float] = []
    few: list[float] = []
    for client, times in found.convergence.items():
        (crowd if client.startswith(CROWD) else few).extend(times)
    return crowd, few


def _percentiles(times: list[float]) -> dict[str, str]:
    if len(times) < 2:
        return {}
    of_hundred = quantiles(times, n=100, method="inclusive")
    return {"p50": f"{of_hundred[49]:.2f} s", "p99": f"{of_hundred[98]:.2f} s"}


def summary(run: Run, options: Options, broken: Sequence[Violation]) -> str:
    rows = [*figures(run, options).items()]
    rows += [
        (fault, f"{times:,} times, {run.faults.struck[fault]:,} connections")
        for fault, times in run.faults.times.most_common()
    ]
    width = max(len(name) for name, _ in rows)
    lines = [f"{name.ljust(width)}  {text}" for name, text in rows]
    return "\n".join([*lines, "", _result(broken)])


def page(run: Run, options: Options, broken: Sequence[Violation]) -> str:
    return TEMPLATE.read_text(encoding="utf-8").format(
        round_seconds=ROUND_SECONDS,
        healing_seconds=HEALING_SECONDS,
        figures="\n".join(f"| {name} | {text} |" for name, text in figures(run, options).items()),
        result=_result(broken),
        machine=_machine(),
        convergence=CONVERGENCE_SECONDS,
        heartbeat=HEARTBEAT_SECONDS,
        faults="\n".join(
            f"| {fault} | {times:,} | {run.faults.struck[fault] or '-'} |"
            for fault, times in run.faults.times.most_common()
        ),
    )


def _result(broken: Sequence[Violation]) -> str:
    if not broken:
        return "Every invariant held."
    names = ", ".join(sorted({violation.invariant for violation in broken}))
    return f"**{len(broken)} violations of invariants: {names}.**"


def _machine() -> str:
    return f"Measured on {circumstances()['machine']}, Python {platform.python_version()}."
