"""How a local run ends: with an error, or interrupted."""

import gc
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Final, NoReturn, TextIO

import pulumi

from counter_service.toolchain.errors import sentence

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
CLEAN_UP_SECONDS: Final = 4


class LocalError(Exception):
    """The run ends with this sentence and a non-zero exit code."""


class Interrupted(BaseException):
    """The process was asked to end, by Ctrl-C, a closed terminal, a supervisor or make's end."""


def command(run: Callable[[], NoReturn], stopped: str) -> int:
    """Run until the run ends; return the exit code.

    Args:
        run: Returns by raising LocalError, pulumi.RunError, OSError or Interrupted.
        stopped: The line to print after an interruption.
    """
    try:
        run()
    except Interrupted:
        signal.alarm(0)
        _print(f"\n{stopped}")
        gc.freeze()  # otherwise Python spends seconds on freeing every object before it ends
        return 0
    except (LocalError, pulumi.RunError) as problem:
        _print(f"error: {problem}", sys.stderr)
    except OSError as problem:
        if problem.filename is None:
            raise
        _print(f"error: {sentence(problem)}", sys.stderr)
    return 1


def interrupt_on_signals() -> None:
    """Raise Interrupted in the main thread at the first signal; ignore later ones."""
    for number in SIGNALS:
        # nohup ignores SIGHUP, so that a run outlives its terminal.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C would interrupt the clean-up
    # The default action of SIGALRM ends a process whose clean-up waits for something, and the
    # emulator ends with its parent.
    signal.alarm(CLEAN_UP_SECONDS)
    raise Interrupted


def _print(line: str, stream: TextIO | None = None) -> None:
    with suppress(OSError):  # the terminal may be closed
        print(line, file=stream, flush=True)
