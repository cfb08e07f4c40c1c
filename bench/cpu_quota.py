"""Limits child processes to a share of a core, as Lambda does, with a cgroup and its CPU quota."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from .errors import MachineError

CGROUPS: Final = Path("/sys/fs/cgroup")

# A process that has used up its quota stops until the next period. AWS documents no period. This
# one is from github.com/pwrdrvr/lambda-throttling, which observes functions on Lambda.
PERIOD_US: Final = 20_000


@contextmanager
def group(share: float) -> Iterator[Path]:
    """A cgroup whose processes together have this share of one core. The block's end removes it.

    Yields the file to which a process writes its id to become a member. Every member must have
    ended before the block does.

    Raises:
        MachineError: This machine cannot create such a cgroup.
    """
    parent = controller(CGROUPS)
    try:
        folder = Path(tempfile.mkdtemp(prefix="counter-service-bench-", dir=parent))
    except OSError as problem:
        raise MachineError(
            f"A CPU quota needs a new cgroup in {parent}, which the kernel refuses: "
            f"{problem.strerror}. Run this question as root."
        ) from problem
    try:
        for name, text in limits(parent, share).items():
            (folder / name).write_text(text, encoding="utf-8")
        yield folder / "cgroup.procs"
    finally:
        folder.rmdir()


def controller(cgroups: Path) -> Path:
    """The cgroup whose children can have a CPU quota, in version 1 or 2. Raises MachineError."""
    version_1, version_2 = cgroups / "cpu", cgroups
    if (version_1 / "cpu.cfs_quota_us").exists():
        return version_1
    enabled = version_2 / "cgroup.subtree_control"
    if enabled.exists() and "cpu" in enabled.read_text(encoding="utf-8").split():
        return version_2
    raise MachineError(
        "A CPU quota needs the cpu controller of cgroups, which this machine has not enabled. With "
        f"cgroup v2, run echo +cpu > {enabled} as root."
    )


def limits(parent: Path, share: float) -> dict[str, str]:
    """The contents of the files, by name, that give a child of this cgroup a share of one core."""
    quota = str(round(share * PERIOD_US))
    if (parent / "cgroup.subtree_control").exists():
        return {"cpu.max": f"{quota} {PERIOD_US}"}
    return {"cpu.cfs_period_us": str(PERIOD_US), "cpu.cfs_quota_us": quota}


def within(members: Path, command: Sequence[str]) -> Sequence[str]:
    """The command, as a member of the cgroup from its start."""
    return ["sh", "-c", 'echo $$ > "$0" && exec "$@"', str(members), *command]
