"""The folder of a run, which one run owns at a time, and the files that a run writes there."""

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
    """Own the folder, and yield a function that takes the URL of the run.

    The operating system releases the lock when the process ends, however it ends. The emulator
    does not inherit it.

    Args:
        folder: Created if it does not exist.
        another: The command that starts another run beside this one.

    Raises:
        LocalError: Another run owns the folder. The message says where it is.
        OSError: The folder cannot be written. `filename` names the file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK
    with path.open("a+", encoding="utf-8", errors="replace") as lock:
        try:
            with naming(path):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise LocalError(
                f"A run is active in {folder}: {lock.read() or 'it has only begun'}. "
                f"Stop it with Ctrl-C, or start another beside it with {another}."
            ) from None

        def note(text: str) -> None:
            with naming(path):
                lock.truncate(0)
                lock.write(text)
                lock.flush()

        process = f"process {os.getpid()}"
        note(process)
        (folder / OUTPUTS).unlink(missing_ok=True)  # those of a run that was killed
        try:
            yield lambda url: note(f"{process}, {url}")
        finally:
            lock.truncate(0)


@contextmanager
def published(folder: Path, outputs: dict[str, Any]) -> Iterator[None]:
    """Keep the stack's outputs in a file until the block ends. The file is always complete."""
    path = folder / OUTPUTS
    draft = path.with_suffix(".tmp")
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
    """Give the file's name to an error without one. A full disk is reported without a name."""
    try:
        yield
    except OSError as problem:
        problem.filename = problem.filename or str(file)
        raise
