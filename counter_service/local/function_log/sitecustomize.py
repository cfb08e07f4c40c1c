"""Copies what the function prints, and its tracebacks, to the file that FUNCTION_LOG names.

Python imports this by itself at its start, in the emulator and in the workers that it runs
functions in. The emulator collects a worker's output and, for WebSocket events, drops it.
"""

import json
import os
import sys
from pathlib import Path
from typing import TextIO

WORKER = "_worker.py"


class Copied:
    """A text stream whose writes go to the log as well."""

    def __init__(self, stream: TextIO, log: TextIO) -> None:
        self._stream = stream
        self._log = log

    def write(self, text: str) -> int:
        self._log.write(self.logged(text))
        return self._stream.write(text)

    def logged(self, text: str) -> str:
        return text

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


class Answers(Copied):
    """Standard output, which a worker keeps for its answers: only a failure's traceback is log."""

    def logged(self, text: str) -> str:
        if '"trace"' not in text:
            return ""
        try:
            return str(json.loads(text).get("trace", ""))
        except ValueError:
            return ""


path = os.environ.get("FUNCTION_LOG")
if path and sys.orig_argv[-1].endswith(WORKER):
    log = Path(path).open("a", buffering=1, encoding="utf-8")  # noqa: SIM115  # open to the end
    sys.stderr = Copied(sys.stderr, log)
    sys.stdout = Answers(sys.stdout, log)
