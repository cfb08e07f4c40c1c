"""The two ways in which a local run ends: with an error, or interrupted."""

import signal
from types import FrameType
from typing import Final, NoReturn

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class LocalError(Exception):
    """The run ends with this sentence and a non-zero exit code."""


class Interrupted(BaseException):
    """The process was asked to end, by Ctrl-C or by a supervisor."""


def interrupt_on_signals() -> None:
    """Raise Interrupted in the main thread at the first SIGINT or SIGTERM; ignore later ones."""
    for number in SIGNALS:
        signal.signal(number, _interrupt)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C would interrupt the clean-up
    raise Interrupted
