"""Ends a command when its parent ends, from its start on. Imports nothing that takes time."""

import os
import signal
import threading
import time
from typing import Final

PARENT: Final = "PARENT_PID"  # set by the Makefile


def begin() -> None:
    """Call this before the imports, which take seconds.

    Until the command handles signals, SIGINT ends the process without a traceback. If PARENT_PID
    names the parent, such as make, this process ends with it, because a make that is killed does
    not end the processes that it started.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if parent := os.environ.get(PARENT):
        threading.Thread(target=_watch, args=(int(parent),), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
