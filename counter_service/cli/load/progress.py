"""A load while it runs: a live table on a terminal, or a line every few seconds in a pipe."""

import asyncio
from typing import Final

from rich.console import Console
from rich.live import Live
from rich.table import Table

from .result import p99
from .run import LoadRun, Phase

FRAMES_PER_SECOND: Final = 4
SECONDS_OF_A_LINE: Final = 5.0


async def follow(run: LoadRun, out: Console) -> None:
    """Show a run until the task is cancelled."""
    if not out.is_terminal:
        while True:
            await asyncio.sleep(SECONDS_OF_A_LINE)
            out.print(line(run), soft_wrap=True)
    with Live(console=out, auto_refresh=False, transient=True) as live:
        while True:
            live.update(table(run), refresh=True)
            await asyncio.sleep(1 / FRAMES_PER_SECOND)


def line(run: LoadRun) -> str:
    """The run in one line."""
    clicks = f", {run.recorder.acknowledged:,} of {run.plan.clicks:,} clicks acknowledged"
    return (
        f"{run.phase}: {run.ready:,} of {run.plan.clients:,} clients connected"
        f"{'' if run.phase is Phase.CONNECTING else clicks}, {run.received:,} messages received"
    )


def table(run: LoadRun) -> Table:
    """The run in a table."""
    plan, acknowledged = run.plan, run.recorder.acknowledged
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column(min_width=28)
    grid.add_row("now", str(run.phase))
    grid.add_row("clients", f"{run.ready:,} of {plan.clients:,} connected")
    grid.add_row("clicks", f"{run.clicked:,} of {plan.clicks:,} due")
    grid.add_row("acknowledged", f"{acknowledged:,}, {run.clicked - acknowledged:,} pending")
    grid.add_row("value", f"{run.value:,}")
    grid.add_row("messages", f"{run.received:,} received")
    grid.add_row("this process", f"late by {p99(run.lags) * 1000:,.0f} ms (p99)")
    return grid
