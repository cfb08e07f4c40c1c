"""Ends a command with its parent, from its first moment. Imports nothing that takes time."""

import os
import signal
import threading
import time
from typing import Final

PARENT: Final = "PARENT_PID"  # set by the Makefile


def begin() -> None:
    """Call this before the imports, which take seconds.

    SIGINT ends the process without a traceback until the command handles signals. If PARENT_PID
    names the parent, such as make, its end ends this process: make may be killed, and then it does
    not end what it started.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if parent := os.environ.get(PARENT):
        threading.Thread(target=_watch, args=(int(parent),), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
