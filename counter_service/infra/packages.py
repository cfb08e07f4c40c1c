"""The token library in the archive, where authentication is on: a folder that make vendor fills."""

import re
from pathlib import Path
from typing import Final

import pulumi

from counter_service.paths import ROOT
from counter_service.toolchain import vendor

# The lock, and its copy in the folder: see toolchain/vendor.py.
LOCK: Final = vendor.LOCK
STAMP: Final = vendor.STAMP

# How CPython names its compiled modules, such as x.cpython-313-aarch64-linux-gnu.so. A module
# for the stable ABI (x.abi3.so) does not say its platform, but comes with others that do.
_COMPILED: Final = re.compile(r"\.(cpython-[^.]+)\.so$")
_MACHINES: Final = {"arm64": "aarch64", "x86_64": "x86_64"}

# Set by the local run alone, whose functions run on this machine's Python.
_EMULATED: Final = "emulator"


def platform(runtime: str, architecture: str) -> str:
    """The tag of compiled modules: python3.13 on arm64 is cpython-313-aarch64-linux-gnu."""
    emulated = pulumi.Config(_EMULATED).get("platform")
    version = runtime.removeprefix("python").replace(".", "")
    return emulated or f"cpython-{version}-{_MACHINES[architecture]}-linux-gnu"


def files(folder: Path, tag: str, root: Path = ROOT) -> dict[str, Path]:
    """Every file to ship, by its path in the archive, sorted.

    The packages' metadata ships with them: vulnerability scanners read it. Commands and compiled
    Python do not.

    Raises pulumi.RunError when the folder is missing, out of date or for another platform.
    """
    folder = root / folder
    stamp = folder / STAMP
    if not stamp.is_file():
        _run_vendor(f"{folder} has no token library")
    if stamp.read_bytes() != (root / LOCK).read_bytes():
        _run_vendor(f"{folder} is not what {LOCK} says")
    found = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and _ships(path.relative_to(folder))
    }
    tags = {match[1] for name in found if (match := _COMPILED.search(name))}
    if tags != {tag}:
        _run_vendor(f"{folder} is for {', '.join(sorted(tags)) or 'no platform'}, not for {tag}")
    return found


def _ships(path: Path) -> bool:
    return not (
        path.name == STAMP
        or path.suffix == ".pyc"
        or path.parts[0] == "bin"
        or "__pycache__" in path.parts
    )


def _run_vendor(problem: str) -> None:
    raise pulumi.RunError(
        f"Archive: {problem}; run make vendor for AWS, or make vendor-here for make run."
    )
