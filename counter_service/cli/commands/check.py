"""`counter check`: whether a deployed counter works, step by step."""

import textwrap
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.console import Console
from rich.text import Text

from counter_service.cli.address import Address, OriginOption, StackOption, UrlArgument, find
from counter_service.cli.connecting import TokenOption
from counter_service.cli.errors import ExitCode
from counter_service.cli.output import JsonOption, console, print_json

from . import RUNNING

if TYPE_CHECKING:
    from counter_service.cli.check.run import Result

PANEL: Final = RUNNING

PageOption = Annotated[
    str | None,
    typer.Option(
        "--page",
        metavar="URL",
        help="URL of the counter's page. Default: that of the stack; with a URL none, and the page "
        "is not checked.",
        show_default=False,
    ),
]

# The word and the style of a step that has passed, failed, or neither.
_ENDS: Final = {True: ("ok", "green"), False: ("FAILED", "bold red"), None: ("skipped", "yellow")}


def check(
    url: UrlArgument = None,
    stack: StackOption = None,
    origin: OriginOption = None,
    page: PageOption = None,
    token: TokenOption = None,
    json: JsonOption = False,
) -> ExitCode:
    """Check that a running counter works, after each deployment and in CI.

    The steps: two connections; get-current; an increment that both see; its resend, which must not
    count; an invalid message, after which the connection must stay; a foreign origin, which must be
    rejected; the page and its config.json. The first step that fails ends the check, and says what
    to look at. Each step has 7 seconds.

    The counter is one higher afterwards, because nothing can decrement it. Other clients may click
    meanwhile.

    Exit code 1: a step failed. Exit code 3: there is no server at the address.
    """
    import asyncio

    from counter_service.cli.check.run import run

    address = find(url, stack, origin, page)
    token = token.strip() if token else None
    if json:
        results = asyncio.run(run(address, token))
        print_json(_document(address, results))
    else:
        out = console()
        out.print(f"Checking {address.url}, from {address.source}.\n", soft_wrap=True)
        results = asyncio.run(run(address, token, lambda result: _print_step(out, result)))
        _print_end(out, results)
    problem = results[-1].problem
    if problem is None:
        return ExitCode.OK
    return ExitCode.UNREACHABLE if problem.is_unreachable else ExitCode.PROBLEM


def _print_step(out: Console, result: "Result") -> None:
    word, style = _ENDS[result.ok]
    start = f"  {word:<9}{result.name:<16}{result.milliseconds:>6,.0f} ms  "
    found = Text(_hanging(out, start, result.note or str(result.problem)))
    found.stylize(style, 2, 2 + len(word))
    out.print(found, soft_wrap=True)


def _print_end(out: Console, results: "list[Result]") -> None:
    last = results[-1]
    skipped = [result.name for result in results if result.ok is None]
    out.print()
    if last.problem:
        out.print(f"The step {last.name!r} failed. Look at:")
        for place in last.problem.look_at:
            out.print(_hanging(out, "  - ", place), soft_wrap=True)
        out.print()
    elif skipped:
        passed = len(results) - len(skipped)
        out.print(f"{passed} of {len(results)} steps passed; skipped: {', '.join(skipped)}.")
    else:
        out.print(f"All {len(results)} steps passed.")
    match _clicks(results):
        case None:
            out.print("The counter may be one higher now.")
        case 1:
            out.print("The counter is one higher now.")


def _clicks(results: "list[Result]") -> int | None:
    """How much higher the counter is; None if that is unknown."""
    click = next((result for result in results if result.name == "increment"), None)
    if click is None:
        return 0
    return 1 if click.ok else None


def _hanging(out: Console, start: str, text: str) -> str:
    """The text after its start, wrapped below itself."""
    return textwrap.fill(
        text,
        out.width,
        initial_indent=start,
        subsequent_indent=" " * len(start),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _document(address: Address, results: "list[Result]") -> dict[str, Any]:
    return {
        "url": address.url,
        "origin": address.origin,
        "page": address.website,
        "ok": results[-1].problem is None,
        "clicks": _clicks(results),
        "steps": [
            {
                "name": result.name,
                "ok": result.ok,
                "milliseconds": result.milliseconds,
                "note": result.note,
                "problem": str(result.problem) if result.problem else None,
                "look_at": list(result.problem.look_at) if result.problem else [],
            }
            for result in results
        ],
    }
