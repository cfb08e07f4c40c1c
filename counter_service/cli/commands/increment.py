"""`counter increment`: clicks, each exactly once."""

from dataclasses import asdict, dataclass
from typing import Annotated, Final

import typer

from counter_service.cli.address import Address, OriginOption, StackOption, UrlArgument, find
from counter_service.cli.connecting import TokenOption, client_for, unreachable
from counter_service.cli.errors import ExitCode
from counter_service.cli.output import JsonOption, console, print_json

from . import RUNNING

PANEL: Final = RUNNING
MAX_CLICKS: Final = 100_000
AT_ONCE: Final = 4  # the client's own limit of clicks in flight

NumberOption = Annotated[
    int, typer.Option("-n", "--number", metavar="N", min=1, max=MAX_CLICKS, help="Clicks to make.")
]
PatienceOption = Annotated[
    float,
    typer.Option("--patience", metavar="SECONDS", min=1, help="Longest time without a response."),
]


def increment(
    url: UrlArgument = None,
    number: NumberOption = 1,
    stack: StackOption = None,
    origin: OriginOption = None,
    token: TokenOption = None,
    patience: PatienceOption = 30,
    json: JsonOption = False,
) -> ExitCode:
    """Click, and wait until the server has acknowledged each click.

    A click counts exactly once, even if the connection is lost meanwhile. Ctrl-C says how many
    clicks were acknowledged; at most four more are under way, and may count.
    """
    import asyncio

    address = find(url, stack, origin)
    clicks = asyncio.run(_increment(address, token, number, patience))
    if json:
        print_json(asdict(clicks))
    else:
        console().print(f"{_counted(clicks.acknowledged)}. The counter is at {clicks.value:,}.")
    return ExitCode.OK


@dataclass(slots=True)
class Clicks:
    """What came of the clicks.

    Attributes:
        acknowledged: Number of clicks that the server has acknowledged.
        value: The counter's value after the last of them. Others may have clicked as well.
        seconds: From the first attempt to connect to the last acknowledgement.
    """

    acknowledged: int = 0
    value: int = 0
    seconds: float = 0.0


async def _increment(address: Address, token: str | None, number: int, patience: float) -> Clicks:
    import asyncio
    from time import monotonic

    from rich.progress import Progress

    from counter_service.client import Failure

    clicks, started = Clicks(), monotonic()
    client = client_for(address, token)
    to_send = iter(range(number))
    errors = console(stderr=True)

    async def click_on() -> None:
        for _ in to_send:
            await client.increment()
            clicks.acknowledged += 1
            clicks.value, clicks.seconds = client.value or 0, round(monotonic() - started, 3)
            limit.reschedule(asyncio.get_running_loop().time() + patience)
            progress.advance(bar)

    try:
        with Progress(console=errors, transient=True, disable=not errors.is_terminal) as progress:
            bar = progress.add_task("Clicks", total=number)
            async with client, asyncio.timeout(patience) as limit:
                await asyncio.gather(*(click_on() for _ in range(AT_ONCE)))
    except Failure as failure:
        raise unreachable(address, failure) from None
    except (TimeoutError, asyncio.CancelledError) as end:
        errors.print(f"{_counted(clicks.acknowledged)} of {number:,}.")
        if isinstance(end, TimeoutError):
            raise unreachable(address, client.problem) from None
        raise
    return clicks


def _counted(clicks: int) -> str:
    return f"{clicks:,} {'click was' if clicks == 1 else 'clicks were'} counted"
