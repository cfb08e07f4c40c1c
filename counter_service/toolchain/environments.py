"""The Python environments, each of which is installed from one lock file."""

import csv
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from . import launcher, places, processes, settings
from .errors import ToolchainError
from .uv import NETWORK_ADVICE, Uv, base_python, reason


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment and the lock that it is installed from."""

    lock: str  # file, relative to the checkout
    folder: str  # relative to the checkout
    has_counter: bool = False  # whether the packages of counter_service/cli are in it


# Pulumi.yaml names .venv. The locks of the environments that share it agree, so an installation of
# `dev` satisfies all three.
ENVIRONMENTS: Final = {
    "deploy": Environment("requirements.txt", ".venv"),
    "local": Environment("requirements/local.txt", ".venv", has_counter=True),
    "dev": Environment("requirements/dev.txt", ".venv", has_counter=True),
    "audit": Environment("requirements/audit.txt", ".toolchain/audit"),
    "bench": Environment("requirements/bench.txt", ".toolchain/bench"),
    "node": Environment("requirements/node.txt", ".toolchain/node"),
}


def ensure(name: str, root: Path = places.ROOT) -> Path:
    """Install the named environment unless it satisfies its lock, and return its folder.

    Raises:
        ToolchainError: It cannot be installed.
    """
    environment = ENVIRONMENTS[name]
    folder = folder_of(name, root)
    with places.exclusive(root):
        places.remove_leftovers(folder)
        uv = Uv(root)
        if not _is_right(uv, folder, environment.lock):
            places.show(f"Installing {environment.lock} into {environment.folder}.")
            _create(uv, folder, environment.lock)
            if not _is_right(uv, folder, environment.lock):
                # uv links environments to the files of its cache, so a file that was changed in an
                # environment is wrong in the cache too. Download it again.
                _create(uv, folder, environment.lock, "--no-cache")
        if environment.has_counter:
            launcher.ensure(folder)
    return folder


def folder_of(name: str, root: Path = places.ROOT) -> Path:
    """The folder of the named environment, which may not exist yet."""
    return root / ENVIRONMENTS[name].folder


def _is_right(uv: Uv, folder: Path, lock: str) -> bool:
    return _is_of_this_python(folder) and _satisfies(uv, folder, lock) and _is_whole(folder)


def _is_of_this_python(folder: Path) -> bool:
    """Whether the environment's Python starts, and is of the same installation as this process."""
    identity = "(sys.version, sys.base_prefix, sys.prefix != sys.base_prefix)"
    question = f"import sys; print(ascii({identity}))"
    try:
        there = processes.run(
            [folder / "bin" / "python", "-I", "-c", question], settings.neutral(os.environ)
        )
    except OSError:
        return False
    return there.stdout.strip() == ascii((sys.version, sys.base_prefix, True))


def _satisfies(uv: Uv, folder: Path, lock: str) -> bool:
    """Whether every package of the lock is installed. Does not use the network."""
    found = uv.run_offline(
        *("pip", "install", "--dry-run", "--no-deps", "--require-hashes"),
        *("--python", folder / "bin" / "python", "--requirements", lock),
    )
    return found.returncode == 0 and "Would make no changes" in found.stderr


def _is_whole(folder: Path) -> bool:
    """Whether each package has all its files, with the sizes that its RECORD states."""
    return all(
        _matches_its_record(package)
        for package in folder.glob("lib/python*/site-packages/*.dist-info")
    )


def _matches_its_record(package: Path) -> bool:
    try:
        with (package / "RECORD").open(encoding="utf-8", newline="") as lines:
            return all(
                (package.parent / path).stat().st_size == int(size)
                for path, _, size in csv.reader(lines)
                if size  # not stated for RECORD itself, and for bytecode
            )
    except (OSError, ValueError, csv.Error):
        return False


def _create(uv: Uv, folder: Path, lock: str, *options: str) -> None:
    with places.replacing(folder) as new:
        # Relocatable, because it is renamed below, and must still work after the checkout is moved.
        venv = ("venv", "--relocatable", "--no-project", "--python", base_python(), str(new))
        python = str(new / "bin" / "python")
        sync = ("pip", "sync", "--require-hashes", "--python", python, lock, *options)
        for command in (venv, sync):
            done = uv.run(*command)
            if done.returncode:
                raise ToolchainError(
                    f"The packages of {lock} cannot be installed: {reason(done.stderr)}. "
                    f"{NETWORK_ADVICE}"
                )
