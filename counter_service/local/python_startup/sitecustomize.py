"""Python imports this when it starts, in the emulator and in the workers that run the function.

The emulator ends when its parent process has ended, however it ended. The workers copy what the
function prints, and its tracebacks, to the file that FUNCTION_LOG names, because the emulator drops
a worker's output for WebSocket events.
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
    """A text stream that copies its writes to the log."""

    def __init__(self, stream: TextIO, log: TextIO) -> None:
        self._stream = stream
        self._log = log

    def write(self, text: str) -> int:
        """Write the text to the stream, and `logged` of it to the log."""
        with suppress(OSError):  # a full disk must not fail the function
            self._log.write(self.logged(text))
        return self._stream.write(text)

    def logged(self, text: str) -> str:
        """The part of the text that goes to the log."""
        return text

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


class CopiedResponses(Copied):
    """A worker's standard output, which contains its responses. Only tracebacks go to the log."""

    def logged(self, text: str) -> str:
        """The traceback in the response, or nothing if there is none."""
        if '"trace"' not in text:
            return ""
        try:
            return str(json.loads(text).get("trace", ""))
        except ValueError:
            return ""


def end_with_parent() -> None:
    """Kill this process group once standard input, a pipe from the parent, is at its end.

    The parent can no longer remove TMPDIR then, so this function removes it.
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
