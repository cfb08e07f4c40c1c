"""The folder of a run: its lock, which one run holds at a time, and the file of its outputs."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from .errors import LocalError

LOCK: Final = "lock"
OUTPUTS: Final = "outputs.json"


@contextmanager
def owned(folder: Path, another: str) -> Iterator[Callable[[str], None]]:
    """Own the folder until the block ends. Yields a function that records the run's URL.

    The operating system releases the lock when the process ends, however it ends. The emulator
    does not inherit the lock.

    Args:
        folder: Created if it does not exist.
        another: The command that the error message suggests for a second run beside this one.

    Raises:
        LocalError: Another run owns the folder. The message has its process id and URL.
        OSError: The folder cannot be written. `filename` names the file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK
    # "a+" creates the file, and does not delete what another run has written to it.
    with path.open("a+", encoding="utf-8", errors="replace") as lock:
        try:
            with naming(path):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise LocalError(
                f"A run is active in {folder}: {lock.read() or 'it is starting'}. "
                f"Stop it with Ctrl-C, or start another beside it with {another}."
            ) from None

        def note(text: str) -> None:
            with naming(path):
                lock.truncate(0)
                lock.write(text)
                lock.flush()

        process = f"process {os.getpid()}"
        note(process)
        (folder / OUTPUTS).unlink(missing_ok=True)  # a run that was killed leaves its outputs
        try:
            yield lambda url: note(f"{process}, {url}")
        finally:
            lock.truncate(0)


@contextmanager
def published(folder: Path, outputs: dict[str, Any]) -> Iterator[None]:
    """Keep the stack's outputs in a file until the block ends."""
    path = folder / OUTPUTS
    draft = path.with_suffix(".tmp")  # renamed, so that a reader never sees a part of the file
    try:
        with naming(path):
            draft.write_text(json.dumps(outputs, indent=2) + "\n", encoding="utf-8")
            draft.replace(path)
        yield
    finally:
        draft.unlink(missing_ok=True)
        path.unlink(missing_ok=True)


@contextmanager
def naming(file: object) -> Iterator[None]:
    """Add the file's name to an OSError that has none, such as that of a full disk."""
    try:
        yield
    except OSError as problem:
        problem.filename = problem.filename or str(file)
        raise
