"""What a command prints: text for people on a rich console, or JSON for programs.

Results go to standard output, errors and progress to standard error. rich writes colours to a
terminal only, and none with NO_COLOR.
"""

import io
import os
import sys
from typing import Annotated, Any, Final, NoReturn

import typer
from rich.console import Console

from .errors import ExitCode

# A pipe has no width. This one wraps only long sentences, and leaves the tables whole.
PIPE_COLUMNS: Final = 120

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print JSON, for programs.", show_default=False)
]


class _Console(Console):
    def on_broken_pipe(self) -> NoReturn:
        """End as a program that SIGPIPE ends, without a word."""
        self.quiet = True
        # Python flushes standard output once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(ExitCode.BROKEN_PIPE)


def console(*, stderr: bool = False) -> Console:
    """The console of standard output, or of standard error. It prints text as it is, not markup."""
    stream = sys.stderr if stderr else sys.stdout
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")  # a terminal that is not UTF-8 lacks some characters
    width = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_COLUMNS
    return _Console(
        file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False
    )


def print_json(data: Any) -> None:
    """Print one JSON document: indented, with colours only on a terminal."""
    console().print_json(data=data, ensure_ascii=True)


def print_error(sentences: str) -> None:
    """Print an error as one line on standard error."""
    out = console(stderr=True)
    out.print("error: ", style="bold red", end="")
    out.print(sentences, soft_wrap=True)
