"""The folders of installations: where they are, locks on them, and their atomic replacement."""

import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]

_held: Final[set[Path]] = set()  # the checkouts whose lock this process holds


def show(line: str) -> None:
    """Print a line about what a command is doing, on standard error."""
    print(line, file=sys.stderr, flush=True)


def tools(root: Path) -> Path:
    """The folder of everything that is installed for this checkout, except .venv."""
    return root / ".toolchain"


@contextmanager
def exclusive(root: Path) -> Iterator[None]:
    """Hold the checkout's set-up lock, after waiting for other processes. Calls may be nested."""
    if root in _held:
        yield
        return
    tools(root).mkdir(exist_ok=True)
    with locked(tools(root) / "lock", "Waiting for another command to finish its set-up."):
        _held.add(root)
        try:
            yield
        finally:
            _held.remove(root)


@contextmanager
def locked(file: Path, waiting: str) -> Iterator[None]:
    """Hold a lock file. Shows the line `waiting` if another process holds the lock.

    The operating system releases the lock after this process and the programs that it started have
    ended, however they ended (see processes.run).
    """
    with file.open("w", encoding="utf-8") as lock:
        os.set_inheritable(lock.fileno(), True)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            show(waiting)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Yield an empty path beside `folder`; what the block creates there becomes `folder`.

    `folder` is replaced only when the block succeeds, by renaming. A block that fails or is killed
    leaves `folder` as it was. Call it under `exclusive`.
    """
    new, old = _beside(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    try:
        yield new
        if folder.is_symlink() or folder.exists():
            folder.rename(old)
        new.rename(folder)
    finally:
        remove_leftovers(folder)


def has_leftovers(folder: Path) -> bool:
    """Whether a `replacing` of the folder was killed, or is running in another process."""
    return any(path.is_symlink() or path.exists() for path in _beside(folder))


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed `replacing` left beside `folder`. Call it under `exclusive`."""
    for path in _beside(folder):
        remove(path)


def _beside(folder: Path) -> tuple[Path, Path]:
    return folder.with_name(f"{folder.name}.new"), folder.with_name(f"{folder.name}.old")


def remove(path: Path) -> None:
    """Remove a file, a link or a folder, if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
