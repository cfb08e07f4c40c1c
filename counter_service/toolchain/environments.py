"""The Python environments, each the content of one lock file."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from . import places
from .errors import ToolchainError
from .uv import NETWORK_ADVICE, Uv, base_python, reason


@dataclass(frozen=True, slots=True)
class Environment:
    lock: str  # its file, relative to the checkout
    folder: str  # where it is, relative to the checkout


# .venv is the one that Pulumi.yaml names. Those that share it have locks that agree: an
# environment of `dev` satisfies them all.
ENVIRONMENTS: Final = {
    "deploy": Environment("requirements.txt", ".venv"),
    "local": Environment("requirements/local.txt", ".venv"),
    "dev": Environment("requirements/dev.txt", ".venv"),
    "audit": Environment("requirements/audit.txt", ".toolchain/audit"),
    "bench": Environment("requirements/bench.txt", ".toolchain/bench"),
    "node": Environment("requirements/node.txt", ".toolchain/node"),
}


def ensure(name: str, root: Path = places.ROOT) -> Path:
    """The folder of the named environment, which has what its lock says, or more.

    Raises ToolchainError when it cannot be created.
    """
    environment = ENVIRONMENTS[name]
    folder = folder_of(name, root)
    with places.exclusive(root):
        uv = Uv(root)
        if not (_is_of_this_python(folder) and _satisfies(uv, folder, environment.lock)):
            places.show(f"Installing {environment.lock} into {environment.folder}.")
            _create(uv, folder, environment.lock)
    return folder


def folder_of(name: str, root: Path = places.ROOT) -> Path:
    """Where the named environment is, or will be."""
    return root / ENVIRONMENTS[name].folder


def _is_of_this_python(folder: Path) -> bool:
    """Whether its Python starts, and is the version and installation that runs this command."""
    question = "import sys; print(sys.version, sys.base_prefix)"
    try:
        there = subprocess.run(
            [folder / "bin" / "python", "-I", "-c", question],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return there.stdout.strip() == f"{sys.version} {sys.base_prefix}"


def _satisfies(uv: Uv, folder: Path, lock: str) -> bool:
    """Whether every package of the lock is installed. uv reads the environment, not the network."""
    found = uv.run_offline(
        *("pip", "install", "--dry-run", "--no-deps", "--require-hashes"),
        *("--python", folder / "bin" / "python", "--requirements", lock),
    )
    return found.returncode == 0 and "Would make no changes" in found.stderr


def _create(uv: Uv, folder: Path, lock: str) -> None:
    with places.replacing(folder) as new:
        for arguments in (
            # Relocatable: it is renamed here, and works on when the checkout is moved.
            ("venv", "--relocatable", "--no-project", "--python", base_python(), new),
            ("pip", "sync", "--require-hashes", "--python", new / "bin" / "python", lock),
        ):
            done = uv.run(*arguments)
            if done.returncode:
                raise ToolchainError(
                    f"The packages of {lock} cannot be installed: {reason(done.stderr)}. "
                    f"{NETWORK_ADVICE}"
                )
