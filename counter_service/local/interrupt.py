"""How a command of this package is asked to end: once, by Ctrl-C or a supervisor."""

import signal
from types import FrameType
from typing import Final, NoReturn

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """Somebody asked for the end."""


def raise_stopped_on_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, _stop)


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    for again in SIGNALS:
        signal.signal(again, signal.SIG_IGN)  # the second Ctrl-C would leave things running
    raise Stopped
