"""`counter load`: many clients that click, and whether each click counts exactly once."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from counter_service.cli.address import Address, OriginOption, StackOption, UrlArgument, find
from counter_service.cli.connecting import TokenOption
from counter_service.cli.errors import CliError, ExitCode, UnreachableError, UsageError
from counter_service.cli.load.plan import (
    CONNECTS_PER_SECOND,
    MAX_CLICKS_PER_SECOND,
    MAX_CLIENTS,
    MAX_CONNECTS_PER_SECOND,
    MAX_SECONDS,
    Plan,
)
from counter_service.cli.output import JsonOption, console, print_json

from . import RUNNING

if TYPE_CHECKING:
    from counter_service.cli.load.result import Result

PANEL: Final = RUNNING
OTHER_FILES: Final = 50

ClientsOption = Annotated[
    int, typer.Option("--clients", min=1, max=MAX_CLIENTS, help="Clients to connect.")
]
ClicksOption = Annotated[
    float,
    typer.Option(
        "--clicks",
        min=0,
        max=MAX_CLICKS_PER_SECOND,
        help="Clicks per second, of all clients together.",
    ),
]
SecondsOption = Annotated[
    float,
    typer.Option("--seconds", min=1, max=MAX_SECONDS, help="Time in which the clients click."),
]
RampUpOption = Annotated[
    float | None,
    typer.Option(
        "--ramp-up",
        metavar="SECONDS",
        min=0,
        help="Time in which the clients connect. API Gateway accepts "
        f"{MAX_CONNECTS_PER_SECOND} connections a second. "
        f"Default: a second for each {CONNECTS_PER_SECOND} clients.",
        show_default=False,
    ),
]
SvgOption = Annotated[
    Path | None,
    typer.Option(
        "--svg",
        metavar="FILE",
        dir_okay=False,
        help="Draw the histogram into this file.",
        show_default=False,
    ),
]
YesOption = Annotated[
    bool, typer.Option("--yes", "-y", help="Accept the estimated cost.", show_default=False)
]


def load(
    url: UrlArgument = None,
    clients: ClientsOption = 100,
    clicks: ClicksOption = 2,
    seconds: SecondsOption = 10,
    ramp_up: RampUpOption = None,
    svg: SvgOption = None,
    yes: YesOption = False,
    stack: StackOption = None,
    origin: OriginOption = None,
    token: TokenOption = None,
    json: JsonOption = False,
) -> ExitCode:
    """Load a running counter with many clients, and check that each click counts exactly once.

    A click is due at its time, whether or not earlier clicks have a response, and its latency
    begins when it is due. So a slow server cannot slow down its own measurement. A click is at a
    client when the client first shows a value that contains it, because one message may show many
    clicks. Clients that lose their connection reconnect, and count again after that. They wait 30 s
    for a response, longer than the page, so that a slow server is measured and not loaded further.

    The checks are those of docs/reliability.md, except that clients have 30 s to show the last
    value. On this machine the value must grow by exactly the
    acknowledged clicks. Elsewhere others may click too: their clicks are shown as foreign, and the
    value must grow by at least the acknowledged ones. A value that is lower than an earlier one is
    reordered. That is no error, because an acknowledgement and a broadcast race.

    A counter on another machine costs money. The estimated cost is shown, and the load begins
    after a question, or with --yes. With --stack the estimate takes the settings of that stack.

    Ctrl-C stops the clicks, waits briefly for pending ones, and shows what was measured.

    Exit code 1: an invariant does not hold, or a client has no connection at the end.
    """
    import asyncio

    from counter_service.cli.load import open_files

    address = find(url, stack, origin)
    try:
        plan = Plan(
            clients, clicks, seconds, clients / CONNECTS_PER_SECOND if ramp_up is None else ramp_up
        )
    except ValueError as problem:
        raise UsageError(str(problem)) from None
    if svg and not svg.parent.is_dir():
        raise UsageError(f"There is no folder {svg.parent} for the file of --svg. Create it.")
    open_files.allow(clients + OTHER_FILES, "take fewer --clients")
    if not address.is_loopback:
        _accept_cost(address, plan, stack, yes=yes)
    result, unreadable = asyncio.run(_run(address, token, plan))
    _show(result, address, as_json=json)
    if svg:
        _draw(result, svg)
    if result.was_interrupted:
        return ExitCode.INTERRUPTED
    if unreadable:
        raise unreadable
    return ExitCode.OK if result.is_right else ExitCode.PROBLEM


def _accept_cost(address: Address, plan: Plan, stack: str | None, *, yes: bool) -> None:
    import sys

    from rich.prompt import Confirm

    from counter_service.cli.load.estimate import estimate
    from counter_service.costs.units import Sizing

    sizing = Sizing()
    if stack:
        from counter_service.cli import configuration, cost_report

        sizing = cost_report.sizing_of(configuration.read(stack).settings)
    errors = console(stderr=True)
    errors.print(f"{address.url} is not on this machine. {estimate(plan, sizing)}")
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask for consent. Accept the cost with --yes.")
    if not Confirm.ask("Continue?", console=errors, default=False):
        raise CliError("Nothing was sent, because the cost was not accepted.")


async def _run(
    address: Address, token: str | None, plan: Plan
) -> "tuple[Result, UnreachableError | None]":
    import asyncio

    from counter_service.cli.load.progress import follow
    from counter_service.cli.load.run import LoadRun

    run = LoadRun(address, token, plan)
    display = asyncio.create_task(follow(run, console(stderr=True)))
    try:
        return await run.run()
    finally:
        display.cancel()
        await asyncio.wait([display])


def _show(result: "Result", address: Address, *, as_json: bool) -> None:
    from counter_service.cli.load import show

    if as_json:
        print_json(show.as_json(result, address.url))
    else:
        show.show(result, console())


def _draw(result: "Result", file: Path) -> None:
    from counter_service.cli.load.svg import svg

    try:
        file.write_text(svg(result), encoding="utf-8")
    except OSError as problem:
        raise CliError(f"{file} cannot be written: {problem.strerror}.") from None
