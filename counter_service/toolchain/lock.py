"""The lock files: every package of pyproject.toml, for every supported Python and platform."""

from pathlib import Path
from typing import Final

from . import places
from .errors import ToolchainError
from .node import npm
from .uv import Uv, reason

# Each file, what it locks, and the files that it agrees with. In this order, because a file must
# be there before another agrees with it.
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
# pip before 24 needs the extras: where a package asks for coverage[toml], it does not accept that
# the lock pins coverage, looks for the newest one, and misses its hash.
_OPTIONS: Final = (
    "--universal",
    "--generate-hashes",
    "--no-strip-extras",
    "--python-version",
    "3.11",
)


def update(root: Path = places.ROOT) -> None:
    """Pin the newest versions that pyproject.toml and the package.json files allow.

    Raises ToolchainError when there is no solution, or no network.
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
            raise ToolchainError(f"{folder}/package-lock.json cannot be locked: see above.")
