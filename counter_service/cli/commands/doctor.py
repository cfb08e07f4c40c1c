"""`counter doctor`: what a deployment needs, and what is missing."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

import typer

from counter_service.cli.commands import DEPLOYING
from counter_service.cli.errors import ExitCode
from counter_service.cli.output import JsonOption, console, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from counter_service.cli.doctor.diagnosis import Diagnosis

PANEL: Final = DEPLOYING


def doctor(
    stack: Annotated[
        str | None,
        typer.Option(
            metavar="STACK",
            help="The stack to deploy. Default: the selected one, or else dev.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> ExitCode:
    """Check what a deployment needs, and say what to do about what is missing.

    It checks Python, Node, the Pulumi CLI, its plugins and its login; the configuration of the
    stack; AWS's credentials, and in the account API Gateway's quota, Lambda's concurrency and the
    role for access logs; and whether the page is built from its sources. It only reads.

    A check that is not possible, without credentials, a network or a permission, is shown as not
    checked, and is no problem for the exit code. Calls to AWS end after 15 seconds.
    """
    from counter_service.cli.doctor.diagnosis import diagnose
    from counter_service.cli.doctor.finding import State

    diagnosis = diagnose(stack)
    if as_json:
        print_json(asdict(diagnosis))
    else:
        _show(diagnosis, console())
    return ExitCode.PROBLEM if diagnosis.count(State.PROBLEM) else ExitCode.OK


def _show(diagnosis: "Diagnosis", out: "Console") -> None:
    from rich.table import Table
    from rich.text import Text

    from counter_service.cli.doctor.finding import State

    styles = {State.OK: "green", State.PROBLEM: "bold red", State.UNKNOWN: "yellow"}
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for each in diagnosis.findings:
        found = Text(each.found)
        if each.advice:
            found.append(
                f"\n→ {each.advice}", style="bold" if each.state is State.PROBLEM else "dim"
            )
        table.add_row(Text(each.state, styles[each.state]), each.subject, found)
    out.print(table)
    out.print()
    out.print(_summary(diagnosis))


def _summary(diagnosis: "Diagnosis") -> str:
    from counter_service.cli.doctor.finding import State

    problems, unknown = diagnosis.count(State.PROBLEM), diagnosis.count(State.UNKNOWN)
    parts = []
    if problems:
        parts.append("1 problem" if problems == 1 else f"{problems} problems")
    if unknown:
        parts.append(f"{unknown} not checked")
    if not parts:
        return f"Everything is ready: make up STACK={diagnosis.stack}"
    return f"{', '.join(parts)}. The stack is {diagnosis.stack}."
