"""Installations of the Pulumi CLI below `.toolchain/pulumi/`."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from . import places, pulumi_go, pulumi_npm
from .errors import ToolchainError
from .processes import ask

Version = tuple[int, int, int]


@dataclass(frozen=True)
class Way:
    """A way to install the CLI.

    Attributes:
        name: Name of the folder below `.toolchain/pulumi/`.
        announcement: The line that is shown before the installation.
        version: The version that the installed CLI must print.
        executable: The CLI's path in the folder.
        fill: Installs into an empty folder with an environment, or raises ToolchainError.
    """

    name: str
    announcement: str
    version: Version
    executable: str
    fill: Callable[[Path, Mapping[str, str]], None]


WAYS: Final = (
    Way(
        "npm",
        "Installing the Pulumi CLI from its npm package into .toolchain/pulumi/npm.",
        pulumi_npm.VERSION,
        pulumi_npm.EXECUTABLE,
        lambda folder, _: pulumi_npm.install(folder),
    ),
    Way(
        "go",
        "Building the Pulumi CLI with Go into .toolchain/pulumi/go. This takes about four minutes, "
        "and longer on a busy machine.",
        pulumi_go.VERSION,
        pulumi_go.EXECUTABLE,
        pulumi_go.build,
    ),
)


def version_of(pulumi: Path, environ: Mapping[str, str]) -> Version | None:
    """The version that an executable prints, or None if it does not run."""
    output = ask([pulumi, "version"], {**environ, "PULUMI_SKIP_UPDATE_CHECK": "true"})
    match = re.match(r"v?(\d+)\.(\d+)\.(\d+)", (output or "").strip())
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def installed(root: Path, environ: Mapping[str, str]) -> Path | None:
    """The executable of an earlier installation, if it runs and has the pinned version."""
    for way in WAYS:
        pulumi = places.tools(root) / "pulumi" / way.name / way.executable
        if os.access(pulumi, os.X_OK) and version_of(pulumi, environ) == way.version:
            return pulumi
    return None


def install(root: Path, environ: Mapping[str, str]) -> Path:
    """Install the CLI in the first way that works.

    Each way installs into a temporary folder, which is renamed when it is complete. So a killed
    installation is never used, and the next one removes it.

    Args:
        root: The repository's root.
        environ: The caller's environment, with PATH and the settings of the network.

    Returns:
        The executable.

    Raises:
        ToolchainError: No way worked. The reason of each was printed.
    """
    folder = places.tools(root) / "pulumi"
    folder.mkdir(parents=True, exist_ok=True)
    # Not under places.exclusive, because every other command would wait while Go builds for four
    # minutes. Only the installation of Node takes that lock, for as long as it needs.
    with places.locked(
        folder / "lock", "Waiting for another installation of the Pulumi CLI to finish."
    ):
        # Another process may have finished while this one waited for the lock.
        if pulumi := installed(root, environ):
            return pulumi
        for way in WAYS:
            places.show(way.announcement)
            try:
                return _install(way, root, environ)
            except ToolchainError as problem:
                places.show(str(problem))
    raise ToolchainError("The Pulumi CLI cannot be installed. The reasons are above.")


def _install(way: Way, root: Path, environ: Mapping[str, str]) -> Path:
    final = places.tools(root) / "pulumi" / way.name
    with places.replacing(final) as folder:
        folder.mkdir()
        way.fill(folder, environ)
        if version_of(folder / way.executable, environ) != way.version:
            raise ToolchainError("The Pulumi CLI was installed, but it does not run.")
    return final / way.executable
