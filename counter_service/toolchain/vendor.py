"""Installs the token library, PyJWT, into a folder from which the function's archive takes it."""

import re
import shutil
import sysconfig
from pathlib import Path
from typing import Final

from . import places
from .errors import ToolchainError
from .uv import NETWORK_ADVICE, Uv, base_python, reason

LOCK: Final = "requirements/auth.txt"
# A copy of the lock in the folder, by which infra/auth_dependencies.py detects an old installation.
STAMP: Final = "requirements-auth.txt"
FOLDERS: Final = {"lambda": ".vendor/auth", "local": ".vendor/auth-local"}

# The function's Python and machine, as counter_service/infra/function.py names them.
_VERSION: Final = (3, 13)
_MACHINE: Final = "aarch64"
# The platform in the names of modules that are compiled for that Python and machine.
LAMBDA_TAG: Final = f"cpython-{_VERSION[0]}{_VERSION[1]}-{_MACHINE}-linux-gnu"


def ensure(target: str, root: Path = places.ROOT) -> Path:
    """Install the token library unless it is installed, and return its folder.

    Args:
        target: "lambda" for Lambda, or "local" for this machine's Python.

    Raises:
        ToolchainError: It cannot be installed.
    """
    folder = root / FOLDERS[target]
    with places.exclusive(root):
        if not _is_complete(folder, root / LOCK, target):
            places.show(f"Installing {LOCK} into {FOLDERS[target]}.")
            _install(folder, target, root)
    return folder


def _install(folder: Path, target: str, root: Path) -> None:
    platform = (
        *("--python-version", f"{_VERSION[0]}.{_VERSION[1]}"),
        *("--python-platform", f"{_MACHINE}-manylinux2014"),
    )
    with places.replacing(folder) as new:
        done = Uv(root).run(
            *("pip", "install", "--require-hashes", "--only-binary", ":all:", "--no-deps"),
            *(
                "--python",
                base_python(),
                *(platform if target == "lambda" else ()),
                "--target",
                new,
                "--requirements",
                LOCK,
            ),
        )
        if done.returncode:
            raise ToolchainError(
                f"The token library cannot be installed: {reason(done.stderr)}. {NETWORK_ADVICE}"
            )
        shutil.copyfile(root / LOCK, new / STAMP)


def _is_complete(folder: Path, lock: Path, target: str) -> bool:
    """Whether the folder has every file of its packages, from the current lock, for the target."""
    stamp = folder / STAMP
    if not (stamp.is_file() and stamp.read_bytes() == lock.read_bytes()):
        return False
    names = [
        line.partition(",")[0]
        for record in folder.glob("*.dist-info/RECORD")
        for line in record.read_text(encoding="utf-8").splitlines()
    ]
    tags = {match[1] for name in names if (match := re.search(r"\.(cpython-[^.]+)\.so$", name))}
    local = str(sysconfig.get_config_var("EXT_SUFFIX")).removeprefix(".").removesuffix(".so")
    wanted = LAMBDA_TAG if target == "lambda" else local
    return tags == {wanted} and all((folder / name).exists() for name in names)
