"""The limit of open files of this process, which each socket counts towards."""

import resource

from counter_service.cli.errors import UsageError


def allow(files: int, remedy: str) -> None:
    """Raise the limit of this process and its children to so many; macOS allows 256 by default.

    Raises:
        UsageError: The system does not allow it. `remedy` says what to do besides.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < files:
        raise UsageError(
            f"{files:,} open files are needed, and the system allows {hard:,}. Raise the limit "
            f"(ulimit -Hn), or {remedy}."
        )
    if soft != resource.RLIM_INFINITY and soft < files:
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
