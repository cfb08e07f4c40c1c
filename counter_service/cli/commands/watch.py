"""`counter watch`: the counter, live."""

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from counter_service.cli.address import Address, OriginOption, StackOption, UrlArgument, find
from counter_service.cli.clicks_per_second import ClickRate, bars
from counter_service.cli.connecting import TokenOption, client_for, unreachable
from counter_service.cli.errors import ExitCode
from counter_service.cli.output import JsonOption, console

from . import RUNNING

if TYPE_CHECKING:
    from counter_service.client import CounterClient

PANEL: Final = RUNNING
WINDOW_SECONDS: Final = 60
MEAN_SECONDS: Final = 10
FRAMES_PER_SECOND: Final = 8
NONE: Final = "-"
# Without values, the round trip is measured this often. Each time costs two messages.
HEARTBEAT_SECONDS: Final = 10.0

# What each state is called, and its colour.
STATES: Final = {
    "connecting": ("connecting", "yellow"),
    "open": ("connected", "green"),
    "waiting": ("reconnecting", "yellow"),
    "closed": ("closed", "red"),
}

SecondsOption = Annotated[
    float | None,
    typer.Option(
        "--seconds", metavar="SECONDS", min=0.1, help="End after this time.", show_default=False
    ),
]


def watch(
    url: UrlArgument = None,
    stack: StackOption = None,
    origin: OriginOption = None,
    token: TokenOption = None,
    seconds: SecondsOption = None,
    json: JsonOption = False,
) -> ExitCode:
    """Show the value, the clicks per second, the round trip and the connection, live.

    In a pipe, each line is a new value. With --json it is a JSON object: `value`, `at` in seconds
    since 1970, `roundTripMs`, and `connections` so far. Ctrl-C ends it.
    """
    import asyncio

    address = find(url, stack, origin)
    asyncio.run(_watch(address, token, seconds, as_json=json))
    return ExitCode.OK


async def _watch(
    address: Address, token: str | None, seconds: float | None, *, as_json: bool
) -> None:
    import asyncio
    from contextlib import suppress

    from counter_service.client import Failure, Times

    out, errors = console(), console(stderr=True)
    is_live = out.is_terminal and not as_json

    def report(state: str) -> None:
        """In a pipe, say on standard error what the connection does."""
        if not is_live and state in ("open", "waiting"):
            cause = f": {client.problem}" if state == "waiting" and client.problem else ""
            errors.print(f"{STATES[state][0]}{cause}", soft_wrap=True)

    client = client_for(address, token, times=Times(heartbeat=HEARTBEAT_SECONDS), on_state=report)
    try:
        with suppress(TimeoutError):
            async with client, asyncio.timeout(seconds):
                if is_live:
                    await _draw(client, address, out)
                else:
                    await _print_lines(client, out, as_json=as_json)
    except Failure as failure:
        raise unreachable(address, failure) from None


async def _print_lines(client: "CounterClient", out: Console, *, as_json: bool) -> None:
    import json
    import time

    async for value in client.updates():
        line = str(value)
        if as_json:
            fields = {
                "value": value,
                "at": round(time.time(), 3),
                "roundTripMs": _milliseconds(client),
                "connections": client.connections,
            }
            line = json.dumps(fields)
        out.print(line, soft_wrap=True)
        out.file.flush()


async def _draw(client: "CounterClient", address: Address, out: Console) -> None:
    """Redraw the panel a few times a second."""
    import asyncio
    import time

    from rich.live import Live

    rate = ClickRate(WINDOW_SECONDS)

    async def follow() -> None:
        async for value in client.updates():
            rate.see(value, time.monotonic())

    follower = asyncio.create_task(follow())
    try:
        with Live(console=out, auto_refresh=False) as live:
            while not follower.done():
                await asyncio.wait([follower], timeout=1 / FRAMES_PER_SECOND)
                live.update(panel(client, address.url, rate, time.monotonic()), refresh=True)
        follower.result()
    finally:
        follower.cancel()


def panel(client: Any, url: str, rate: ClickRate, now: float) -> Group:
    """What the terminal shows.

    Args:
        client: A CounterClient, or what a test shows in its place.
    """
    name, colour = STATES[client.state]
    connection = Text.assemble(("● ", colour), (name, colour), "  ", (url, "dim"))
    figures = Table.grid(padding=(0, 2))
    figures.add_column(style="dim")
    figures.add_column()
    value = NONE if client.value is None else f"{client.value:,}"
    figures.add_row("value", Text(value, style="bold"))
    figures.add_row("clicks", f"{rate.per_second(now, MEAN_SECONDS):,.1f}/s")
    round_trip = _milliseconds(client)
    figures.add_row("round trip", NONE if round_trip is None else f"{round_trip:,.0f} ms")
    figures.add_row("connections", f"{client.connections:,}")
    figures.add_row("last minute", Text(bars(rate.history(now)), style="cyan"))
    problem = [Text(f"{client.problem}", style="yellow")] if client.problem else []
    return Group(connection, "", figures, *problem)


def _milliseconds(client: Any) -> float | None:
    return None if client.round_trip is None else round(client.round_trip * 1000, 1)
