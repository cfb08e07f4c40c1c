"""Writes the lock files, which pin every package for every supported Python and platform."""

from pathlib import Path
from typing import Final

from . import places
from .errors import ToolchainError
from .node import npm
from .uv import Uv, reason

# Each file, what it locks, and the files that it must agree with, which are locked before it.
LOCKS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "requirements.txt": (("pyproject.toml",), ()),
    "requirements/local.txt": (("pyproject.toml", "--group", "local"), ("requirements.txt",)),
    "requirements/auth.txt": (("--group", "auth"), ("requirements/local.txt",)),
    "requirements/dev.txt": (
        ("pyproject.toml", "--group", "dev"),
        ("requirements/local.txt", "requirements/auth.txt"),
    ),
    "requirements/bench.txt": (("--group", "bench"), ()),
    "requirements/audit.txt": (("--group", "audit"), ()),
    "requirements/lambda.txt": (("--group", "lambda"), ("requirements/local.txt",)),
    "requirements/node.txt": (("--group", "node"), ()),
    "requirements/uv.txt": (("--group", "uv"), ()),
}
# Keep the extras for pip before 24. If a package requires coverage[toml] and the lock pins only
# coverage, that pip looks for the newest version instead, and fails because it has no hash of it.
_OPTIONS: Final = (
    "--universal",
    "--generate-hashes",
    "--no-strip-extras",
    "--python-version",
    "3.11",
)


def update(root: Path = places.ROOT) -> None:
    """Pin the newest versions that pyproject.toml and the package.json files allow.

    Raises:
        ToolchainError: There is no solution, or no network.
    """
    with places.exclusive(root):
        uv = Uv(root)
        for file, (locked, agreeing) in LOCKS.items():
            done = uv.run(
                *("pip", "compile", *_OPTIONS, "--upgrade", *locked, "--output-file", file),
                *(word for each in agreeing for word in ("--constraints", each)),
                *("--custom-compile-command", "make lock"),
            )
            if done.returncode:
                raise ToolchainError(f"{file} cannot be locked: {reason(done.stderr)}.")
    for folder in ("web", "bench/node"):
        if npm("--prefix", folder, "install", "--package-lock-only", root=root).returncode:
            raise ToolchainError(
                f"npm cannot lock the packages of {folder}/package.json. Correct the error above, "
                "and run make lock again."
            )
