"""Python imports this when it starts, in the emulator and in the workers that run the function.

The emulator ends when its parent process has ended, by whatever means. The workers copy what the
function prints, and its tracebacks, to the file that FUNCTION_LOG names: the emulator collects a
worker's output and, for WebSocket events, drops it.
"""

import json
import os
import shutil
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TextIO

EMULATOR = ["-m", "ministack"]
WORKER = "_worker.py"


class Copied:
    """A text stream whose writes go to the log as well."""

    def __init__(self, stream: TextIO, log: TextIO) -> None:
        self._stream = stream
        self._log = log

    def write(self, text: str) -> int:
        """Write to the stream, and to the log what belongs there."""
        with suppress(OSError):  # a full disk must not fail the function
            self._log.write(self.logged(text))
        return self._stream.write(text)

    def logged(self, text: str) -> str:
        """The part of the text that goes to the log."""
        return text

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


class CopiedResponses(Copied):
    """A worker's standard output, which has its responses. Only tracebacks go to the log."""

    def logged(self, text: str) -> str:
        """The traceback in a response that has one, otherwise nothing."""
        if '"trace"' not in text:
            return ""
        try:
            return str(json.loads(text).get("trace", ""))
        except ValueError:
            return ""


def end_with_parent() -> None:
    """Kill this process group once standard input, a pipe from the parent, is at its end.

    The parent can no longer remove TMPDIR then, so this does.
    """
    pipe = os.dup(0)
    with Path(os.devnull).open(encoding="utf-8") as nothing:
        os.dup2(nothing.fileno(), 0)  # for the children of this process

    def wait() -> None:
        os.read(pipe, 1)  # the parent writes nothing
        shutil.rmtree(os.environ["TMPDIR"], ignore_errors=True)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=wait, name="parent", daemon=True).start()


path = os.environ.get("FUNCTION_LOG")
if path and sys.orig_argv[1:] == EMULATOR:
    end_with_parent()
if path and sys.orig_argv[-1].endswith(WORKER):
    log = Path(path).open("a", buffering=1, encoding="utf-8")  # noqa: SIM115  # open to the end
    sys.stderr = Copied(sys.stderr, log)
    sys.stdout = CopiedResponses(sys.stdout, log)
