"""Node and npm: the machine's if they are new enough, or else those of a package on PyPI."""

import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from . import environments, places, processes, settings
from .errors import ToolchainError
from .uv import reason

# The oldest minor version that Vite supports, by major version.
_OLDEST: Final = {20: 19, 22: 12}
_NEEDED: Final = "Node 20.19 or newer"

# Options of an installation. On the command line they take precedence over the user's .npmrc.
INSTALL: Final = (
    *("ci", "--include=dev", "--include=optional", "--include=peer", "--ignore-scripts"),
    *("--install-strategy=hoisted", "--global=false", "--dry-run=false", "--no-audit", "--no-fund"),
    *("--package-lock=true", "--package-lock-only=false", "--legacy-peer-deps=false"),
    *("--location=user", "--bin-links=true", "--workspaces=false"),
    *("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--loglevel=error"),
)
# They take precedence over the .npmrc of a user who runs a script, too.
RUN: Final = ("--script-shell=/bin/sh", "--node-options=", "--workspaces=false")


def environ(root: Path = places.ROOT) -> dict[str, str]:
    """An environment in whose PATH a Node that is new enough, and its npm, come first.

    Raises:
        ToolchainError: The machine has none, and none can be installed.
    """
    found = settings.for_npm(os.environ)
    found |= settings.cache_of_npm(found, places.tools(root))
    version = version_on_path(found)
    if version and is_new_enough(version):
        return found
    folder = environments.folder_of("node", root)
    if not folder.is_dir():
        places.show(f"{_NEEDED} was not found: installing one into .toolchain.")
    try:
        folder = environments.ensure("node", root)
    except ToolchainError as problem:
        raise ToolchainError(f"{problem} Or install {_NEEDED} from nodejs.org.") from problem
    found["PATH"] = f"{folder / 'bin'}{os.pathsep}{found.get('PATH', os.defpath)}"
    return found


def version_on_path(environment: Mapping[str, str]) -> tuple[int, ...] | None:
    """The version of the Node on PATH, or None if it or its npm is missing, or does not run."""
    path = environment.get("PATH", "")
    node, npm_ = shutil.which("node", path=path), shutil.which("npm", path=path)
    if not (node and npm_):
        return None
    try:
        shown = processes.run([node, "--version"], environment).stdout
        major, minor, *rest = map(int, shown.strip().removeprefix("v").split("."))
    except (OSError, ValueError):
        return None
    return (major, minor, *rest)


def is_new_enough(version: tuple[int, ...]) -> bool:
    """Whether Node of this version can build the page."""
    major, minor, *_ = version
    return major > max(_OLDEST) or minor >= _OLDEST.get(major, sys.maxsize)


def command_of_npm(environment: dict[str, str]) -> str:
    """The npm that comes with the Node of `environ`."""
    return shutil.which("npm", path=environment["PATH"]) or "npm"


def npm(*arguments: str, root: Path = places.ROOT) -> subprocess.CompletedProcess[str]:
    """Run npm in the checkout with its output shown. The caller looks at the exit code."""
    environment = environ(root)
    command = command_of_npm(environment)
    return subprocess.run(
        [command, *RUN, *arguments], cwd=root, env=environment, encoding="utf-8", check=False
    )


def ensure_modules(
    folder: Path,
    root: Path = places.ROOT,
    announce: Callable[[str], object] = places.show,
) -> None:
    """Install the packages of `folder`/package-lock.json, unless they are installed.

    Args:
        announce: Called with one line before an installation.

    Raises:
        ToolchainError: npm cannot install them.
    """
    environment = environ(root)
    with places.exclusive(root):
        if not missing_modules(folder, root):
            return
        name = folder.relative_to(root)
        announce(f"Installing the packages of {name}/package-lock.json.")
        command = command_of_npm(environment)
        done = processes.run([command, *INSTALL, *_for_this_machine()], environment, folder)
        if done.returncode or missing_modules(folder, root):
            raise ToolchainError(
                f"npm cannot install the packages of {name}/package-lock.json: "
                f"{_reason(done.stderr)}. Check the network and the disk, or set HTTPS_PROXY, or "
                "npm_config_registry for a mirror, then run the command again."
            )


def missing_modules(folder: Path, root: Path = places.ROOT) -> list[str]:
    """The paths of the packages of package-lock.json that are not installed in `folder`.

    Raises:
        ToolchainError: package-lock.json is not a lock file.
    """
    lock = _json(folder / "package-lock.json").get("packages")
    if not isinstance(lock, dict):
        name = f"{folder.relative_to(root)}/package-lock.json"
        raise ToolchainError(
            f"{name} is not a lock file of npm. Restore it, for example with git checkout {name}, "
            "and run the command again."
        )
    # npm writes this file last, so it is missing after an installation that was interrupted.
    installed = _json(folder / "node_modules" / ".package-lock.json").get("packages", {})
    return [
        path
        for path, entry in lock.items()
        if path
        and _is_needed(entry)
        and not (
            installed.get(path, {}).get("version") == entry["version"]
            and _json(folder / path / "package.json").get("version") == entry["version"]
            and all((folder / command).exists() for command in _commands(path, entry))
        )
    ]


def _commands(path: str, entry: dict[str, Any]) -> list[str]:
    """The paths to which npm links the commands of a package: in .bin beside the package."""
    beside = f"{path.rpartition('node_modules/')[0]}node_modules/.bin"
    return [f"{beside}/{name}" for name in entry.get("bin", {})]


def _is_needed(entry: dict[str, Any]) -> bool:
    # An optional package that names no platform may be the dependency of one for other platforms.
    return _is_for_this_machine(entry) and (not entry.get("optional") or "os" in entry)


def _is_for_this_machine(entry: dict[str, Any]) -> bool:
    return all(_allows(entry.get(key), mine) for key, mine in _machine().items())


def _machine() -> dict[str, str]:
    """The properties of this machine, with npm's names and values."""
    cpu = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}
    machine = platform.machine().lower()
    libc = {"libc": "glibc" if platform.libc_ver()[0] else "musl"}
    return {
        "os": sys.platform,
        "cpu": cpu.get(machine, machine),
        **(libc if sys.platform == "linux" else {}),
    }


def _for_this_machine() -> list[str]:
    return [f"--{name}={value}" for name, value in _machine().items()]


def _allows(values: list[str] | None, mine: str) -> bool:
    """Whether a package's list, such as ["linux"] or ["!win32"], allows this machine's value."""
    if not values:
        return True
    refused = {value[1:] for value in values if value.startswith("!")}
    return mine not in refused if refused else mine in values


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _reason(output: str) -> str:
    lines = re.findall(r"^npm (?:error|ERR!) (.+)$", output, re.MULTILINE)
    fields = ("code ", "errno ", "syscall ", "path ", "dest ", "A complete log")
    telling = [line for line in lines if not line.startswith(fields)]
    return reason(re.sub(r"^\w+Error: ", "", telling[0]) if telling else output)
