"""The typer application: its commands, its help, and how it ends."""

import os
import sys
from errno import EDQUOT, EFBIG, EIO, ENOSPC
from importlib import import_module
from pkgutil import iter_modules
from typing import Final

import typer
from typer.exceptions import TyperException

from . import commands
from .errors import MEANINGS, CliError, ExitCode
from .output import print_error

NAME: Final = "counter"
# Errors of a write to a disk that is full or broken.
WRITE_ERRORS: Final = (EDQUOT, EFBIG, EIO, ENOSPC)

_HELP: Final = """
Watch a realtime counter, click it, and check it; and see what a deployment needs and costs.

Run `make run` in one terminal, and `counter watch` in another.

**Which counter?** The one at the URL of its WebSocket API, if you give it. Otherwise the one of
`make run`, whose addresses are in `.local/outputs.json`. Otherwise the selected stack, from
`pulumi stack output`. With `--stack` always that stack.

**Output.** Results are on standard output, errors and progress on standard error. `--json` prints
JSON, for programs. Colours are for terminals only; `NO_COLOR=1` turns them off.

**Exit codes**

"""
_CODES: Final = "\n".join(f"- {code.value}: {meaning}" for code, meaning in MEANINGS.items())

# Markdown, in which lines of a docstring flow together.
app: Final = typer.Typer(name=NAME, add_completion=False, rich_markup_mode="markdown")
app.callback(help=_HELP + _CODES)(lambda: None)
_modules = [
    (each.name, import_module(f"{commands.__name__}.{each.name}"))
    for each in iter_modules(commands.__path__)
]
for _name, _module in sorted(_modules, key=lambda each: commands.PANELS.index(each[1].PANEL)):
    app.command(rich_help_panel=_module.PANEL)(getattr(_module, _name))


def run(arguments: list[str] | None = None, application: typer.Typer = app) -> int:
    """Run the command that the arguments name, and return the exit code of the process.

    A command may return its exit code, or raise CliError.

    Args:
        arguments: Those of the process by default. Without any, the help is shown.
    """
    try:
        # Not the application itself, which would replace Python's tracebacks.
        command = typer.main.get_command(application)
        words = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
        return command.main(words, prog_name=NAME, standalone_mode=False) or ExitCode.OK
    except CliError as problem:
        print_error(str(problem))
        return problem.exit_code
    except TyperException as problem:
        context = getattr(problem, "ctx", None)
        path = context.command_path if context else NAME
        print_error(f"{problem.format_message().rstrip('.')}. See {path} --help.")
        return ExitCode.USAGE
    except OSError as problem:
        if problem.errno not in WRITE_ERRORS:
            raise
        print_error(f"The output cannot be written: {os.strerror(problem.errno)}.")
        return ExitCode.PROBLEM
