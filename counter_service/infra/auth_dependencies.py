"""Collects PyJWT for the function's archive, from the folder that `make vendor-auth` fills."""

import re
from pathlib import Path
from typing import Final, NoReturn

import pulumi

from counter_service.toolchain import vendor

ROOT: Final = Path(__file__).resolve().parents[2]

# The lock, and the copy of it in the folder, which shows what was installed (toolchain/vendor.py).
LOCK: Final = vendor.LOCK
STAMP: Final = vendor.STAMP

# The name of a compiled module contains its platform, as in x.cpython-313-aarch64-linux-gnu.so. The
# name of one for the stable ABI (x.abi3.so) does not, but other modules always come with it.
_COMPILED: Final = re.compile(r"\.(cpython-[^.]+)\.so$")
_MACHINES: Final = {"arm64": "aarch64", "x86_64": "x86_64"}


def platform_tag(runtime: str, architecture: str) -> str:
    """The tag of compiled modules: cpython-313-aarch64-linux-gnu for python3.13 on arm64."""
    version = runtime.removeprefix("python").replace(".", "")
    return f"cpython-{version}-{_MACHINES[architecture]}-linux-gnu"


def files(folder: Path, tag: str, root: Path = ROOT) -> dict[str, Path]:
    """The files to ship, by their paths in the archive, sorted.

    They include package metadata, which vulnerability scanners read, but no commands or bytecode.

    Args:
        folder: Absolute, or relative to `root`.
        tag: Platform tag of the Python that runs the function.

    Raises:
        pulumi.RunError: The folder is missing, out of date or for another platform.
    """
    folder = root / folder
    stamp = folder / STAMP
    if not stamp.is_file():
        _fail(f"The token library is missing from {folder}.")
    if stamp.read_bytes() != (root / LOCK).read_bytes():
        _fail(f"The token library in {folder} is outdated: {LOCK} has changed.")
    found = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and _ships(path.relative_to(folder))
    }
    tags = {match[1] for name in found if (match := _COMPILED.search(name))}
    if tags != {tag}:
        built_for = ", ".join(sorted(tags)) or "no platform"
        _fail(f"The token library in {folder} is for {built_for}, but the function needs {tag}.")
    return found


def _ships(path: Path) -> bool:
    return not (
        path.name == STAMP
        or path.suffix == ".pyc"
        or path.parts[0] == "bin"
        or "__pycache__" in path.parts
    )


def _fail(problem: str) -> NoReturn:
    raise pulumi.RunError(
        f"{problem} Run make vendor-auth to deploy to AWS, or make vendor-auth-local for make run."
    )
