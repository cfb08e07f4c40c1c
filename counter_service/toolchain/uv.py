"""uv, which creates the Python environments. pip installs it, at the version of its lock."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from . import processes, settings
from .errors import ToolchainError
from .places import remove_leftovers, replacing, tools


class Uv:
    """uv at the locked version, with the user's network settings and no others.

    The constructor installs uv if it is missing, does not start, or has another version. Call it
    under `places.exclusive`.

    Raises:
        ToolchainError: uv cannot be installed.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folder = tools(root) / "uv"
        self._lock = root / "requirements" / "uv.txt"
        remove_leftovers(self._folder)
        if not self._has_the_locked_version():
            self._install()

    @cached_property
    def _pip_config(self) -> dict[str, str]:
        pip = _pip_of(self._folder)
        if (config := settings.network_of_pip(pip, os.environ)) is None:
            # The Python of uv's environment was replaced: uv still runs, but its pip does not.
            self._install()
            config = settings.network_of_pip(pip, os.environ)
        return config or {}

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run uv in the checkout. The caller looks at the exit code."""
        installs = arguments[0] == "pip"
        options = settings.options_for_uv(self._pip_config) if installs else []
        environ = self._cached(settings.for_uv(os.environ, self._pip_config))
        return self._run([*arguments, *options], environ)

    def run_offline(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Like `run`, but without the network, and 0.5 s faster: it needs no settings from pip."""
        return self._run([*arguments, "--offline"], self._cached(settings.for_uv(os.environ, {})))

    def _run(
        self, arguments: Sequence[str | Path], environ: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        return processes.run([self._folder / "bin" / "uv", *arguments], environ, self._root)

    def _cached(self, environ: dict[str, str]) -> dict[str, str]:
        return environ | settings.cache_of_uv(environ, tools(self._root))

    def _has_the_locked_version(self) -> bool:
        wanted = re.search(r"^uv==(\S+)", self._lock.read_text(encoding="utf-8"), re.MULTILINE)
        try:
            shown = self._run(["--version"], settings.neutral(os.environ)).stdout
        except OSError:
            return False
        return wanted is not None and shown.split()[1:2] == [wanted[1]]

    def _install(self) -> None:
        with replacing(self._folder) as new:
            made = processes.run(
                [base_python(), "-I", "-m", "venv", new], settings.neutral(os.environ)
            )
            if made.returncode:
                raise ToolchainError(_why_no_venv(made.stdout + made.stderr))
            pip = _pip_of(new)
            config = {"retries": "1"} | (settings.network_of_pip(pip, os.environ) or {})
            installed = processes.run(
                [*pip, "install", "--require-hashes", "--requirement", self._lock],
                settings.for_pip(os.environ, config),
            )
            if installed.returncode:
                raise ToolchainError(
                    f"pip cannot install uv: {reason(installed.stderr)}. {NETWORK_ADVICE}"
                )
        if not self._has_the_locked_version():
            raise ToolchainError(
                f"uv was installed in {self._folder} and does not start there. Move the checkout "
                "to a file system on which programs may run (not mounted with noexec), and run "
                "the command again."
            )


NETWORK_ADVICE = (
    "Check the network and the disk, or set HTTPS_PROXY, or PIP_INDEX_URL for a mirror, "
    "then run the command again."
)


def base_python() -> str:
    """The Python of this process, outside any virtual environment."""
    base: str = getattr(sys, "_base_executable", sys.executable)
    return base


def reason(output: str) -> str:
    """The most useful line of the output of pip or uv: the last cause that it names."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if re.match(r"(?i)error:|cause|caused by", line)]
    line = (telling or lines or ["it printed no reason"])[-1]
    return re.sub(r"^(?i:error|cause|caused by):\s*", "", line).rstrip(".")


def _why_no_venv(output: str) -> str:
    version = ".".join(map(str, sys.version_info[:2]))
    if re.search(r"ensurepip\s+is\s+not|No module named '?(venv|ensurepip)", output):
        return (
            f"Python {version} has no working venv module. On Debian and Ubuntu, run "
            f"sudo apt install python3-venv; elsewhere use a Python that has it, for example "
            f"make PYTHON=/usr/local/bin/python3."
        )
    return (
        f"Python {version} cannot create a virtual environment in .toolchain: {reason(output)}. "
        "Free 100 MB if the disk is full, or use another Python, for example "
        "make PYTHON=/usr/local/bin/python3, and run the command again."
    )


def _pip_of(environment: Path) -> list[str | Path]:
    return [environment / "bin" / "python", "-I", "-m", "pip"]
