"""The ways in which a local run ends: an error or an interruption."""

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
    """An error that ends the run. The command prints its message and exits with 1."""


class Interrupted(BaseException):
    """A signal asked the process to end: by Ctrl-C, a closed terminal, a supervisor or make."""


def command(run: Callable[[], NoReturn], stopped: str) -> int:
    """Run a command to its end, print an error or `stopped`, and return the exit code.

    Args:
        run: Ends by raising LocalError, pulumi.RunError, OSError or Interrupted.
        stopped: The line to print after an interruption, which is no failure.
    """
    try:
        run()
    except Interrupted:
        signal.alarm(0)  # the clean-up ended in time
        _print(f"\n{stopped}")
        gc.freeze()  # otherwise Python spends seconds on freeing every object before it ends
        return 0
    except (LocalError, pulumi.RunError) as problem:
        _print(f"error: {problem}", sys.stderr)
    except OSError as problem:
        if problem.filename is None:  # not a mistake of the user, so show the traceback
            raise
        _print(f"error: {sentence(problem)}", sys.stderr)
    return 1


def interrupt_on_signals() -> None:
    """Raise Interrupted in the main thread at the first signal; ignore later ones."""
    for number in SIGNALS:
        # Under nohup SIGHUP is ignored. Leave it so, because the run shall outlive its terminal.
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C would interrupt the clean-up
    # If the clean-up hangs, SIGALRM's default action ends this process, and the emulator ends with
    # its parent.
    signal.alarm(CLEAN_UP_SECONDS)
    raise Interrupted


def _print(line: str, stream: TextIO | None = None) -> None:
    with suppress(OSError):  # the terminal may be closed
        print(line, file=stream, flush=True)
