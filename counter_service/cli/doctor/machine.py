"""Checks of this machine and this checkout: Python, Node and the page."""

import platform
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from counter_service.toolchain import environments, node, page, settings

from .finding import Finding, State


def python(root: Path, version: str | None = None) -> Finding:
    """The Python of this process, which is that of .venv, and so of the deployment.

    Args:
        version: Such as 3.11.7; by default, that of this process.
    """
    version = version or platform.python_version()
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = project["requires-python"].removeprefix(">=")
    found = f"{version}; {needed} or newer is needed"
    if _numbers(version) >= _numbers(needed):
        return Finding("Python", State.OK, found)
    return Finding("Python", State.PROBLEM, found, "Name a newer one: make run PYTHON=python3.13")


def node_of(root: Path, environ: Mapping[str, str]) -> Finding:
    """The Node that builds the page: the machine's, or one that the toolchain has installed."""
    version = node.version_on_path(settings.for_npm(environ))
    if version and node.is_new_enough(version):
        return Finding("Node", State.OK, f"{'.'.join(map(str, version))}, on PATH")
    missing = f"{'.'.join(map(str, version))} on PATH is too old" if version else "none on PATH"
    if (environments.folder_of("node", root) / "bin" / "node").exists():
        return Finding("Node", State.OK, f"{missing}; one is installed in .toolchain")
    return Finding(
        "Node",
        State.OK,
        missing,
        "make installs one into .toolchain when it builds the page.",
    )


def built_page(root: Path, *, wanted: bool) -> Finding:
    """The page in web/dist.

    Args:
        wanted: Whether the stack hosts the page.
    """
    if not wanted:
        return Finding("Page", State.OK, "not part of the stack, because website is false")
    if why := page.outdated(root / "web"):
        return Finding("Page", State.PROBLEM, why, "Run make build. make up does it as well.")
    return Finding("Page", State.OK, "web/dist is built from the sources as they are")


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version. A preview such as 3.15.0a1 counts as its release."""
    return tuple(map(int, re.findall(r"\d+", version)[:3]))
