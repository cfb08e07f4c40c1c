"""Errors as sentences for the person who ran the command."""

import errno
from pathlib import Path


class ToolchainError(Exception):
    """An error that ends the command. Its text is printed, and the exit code is 1."""


def sentence(problem: OSError, place: Path | None = None) -> str:
    """The error as sentences: what is wrong with a file, and what to do.

    Args:
        place: Named if the error names no file.
    """
    advice = {
        errno.EACCES: "Make it yours, for example with sudo chown -R, and run the command again.",
        errno.EPERM: "Make it yours, for example with sudo chown -R, and run the command again.",
        errno.ENOSPC: "Free some space, and run the command again.",
        errno.EDQUOT: "Free some space, and run the command again.",
        errno.EROFS: "Mount it for writing, or copy the checkout, and run the command again.",
        errno.EBUSY: "Unmount it, because it is replaced as a whole, and run the command again.",
    }.get(problem.errno or 0, "Correct it, and run the command again.")
    return f"{problem.filename or place}: {problem.strerror or problem}. {advice}"
