"""The lock files say what pyproject.toml asks for, and every pip can install them."""

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from counter_service.toolchain import settings
from counter_service.toolchain.lock import LOCKS
from counter_service.toolchain.places import ROOT, tools

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
# The oldest pip that comes with a Python: Debian 12 and python.org's installers.
OLDEST_PIP = {(3, 11): "23.0", (3, 12): "23.2.1", (3, 13): "24.2", (3, 14): "25.2"}


def locked(file: str) -> dict[str, Requirement]:
    """The requirements of a lock by the package's normalized name."""
    text = (ROOT / file).read_text(encoding="utf-8")
    lines = re.findall(r"^([a-z0-9].*?) \\$", text, re.MULTILINE)
    return {normalized(each.name): each for each in map(Requirement, lines)}


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def asked_for(words: tuple[str, ...]) -> list[Requirement]:
    """The requirements of pyproject.toml that `uv pip compile` takes with these arguments."""
    found = list(PROJECT["project"]["dependencies"]) if "pyproject.toml" in words else []
    groups = [words[-1]] if "--group" in words else []
    while groups:
        for entry in PROJECT["dependency-groups"][groups.pop()]:
            if isinstance(entry, str):
                found.append(entry)
            else:
                groups.append(entry["include-group"])
    return [Requirement(each) for each in found]


@pytest.mark.parametrize("file", LOCKS)
def test_lock_pins_what_pyproject_asks_for_and_agrees_with_others(file: str) -> None:
    pins = locked(file)
    words, agreeing = LOCKS[file]
    for wanted in asked_for(words):
        pin = pins[normalized(wanted.name)]
        [specifier] = pin.specifier
        assert specifier.operator == "=="
        assert wanted.specifier.contains(specifier.version)
        assert wanted.extras <= pin.extras
    for other in agreeing:
        there = locked(other)
        assert {name: pins[name] for name in pins.keys() & there.keys()} == {
            name: there[name] for name in pins.keys() & there.keys()
        }


def test_make_lock_makes_every_lock_and_takes_every_group() -> None:
    present = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("requirements*/*.txt")}
    assert present | {"requirements.txt"} == set(LOCKS)
    groups = {words[-1] for words, _ in LOCKS.values() if "--group" in words}
    assert groups == set(PROJECT["dependency-groups"])


def test_lock_keeps_every_extra_that_an_installed_package_asks_for() -> None:
    """Otherwise pip before 24 looks for the newest release, and misses its hash."""
    pins = locked("requirements/dev.txt")
    asked = 0
    for distribution in distributions():
        if normalized(distribution.metadata["Name"]) not in pins:
            continue
        mine = pins[normalized(distribution.metadata["Name"])].extras
        for text in distribution.requires or []:
            wanted = Requirement(text)
            applies = wanted.marker is None or any(
                wanted.marker.evaluate({"extra": extra}) for extra in ("", *mine)
            )
            if wanted.extras and applies:
                asked += 1
                pinned = pins[normalized(wanted.name)].extras
                assert wanted.extras <= pinned, f"the lock lacks an extra of {text}"
    assert asked > 0


@pytest.mark.parametrize("version", ["oldest", "newest"])
def test_pip_installs_the_requirements(version: str, tmp_path: Path) -> None:
    """Pulumi does the same for `pulumi up`: with hashes, from the index as it is today."""
    wanted = f"pip=={OLDEST_PIP[sys.version_info[:2]]}" if version == "oldest" else "pip"
    uv = tools(ROOT) / "uv" / "bin" / "uv"
    python = tmp_path / "venv" / "bin" / "python"
    commands: list[list[str | Path]] = [
        [uv, "venv", "--quiet", "--no-project", "--python", sys.executable, tmp_path / "venv"],
        [uv, "pip", "install", "--quiet", "--python", python, wanted],
        [python, "-m", "pip", "install", "-q", "--no-compile", "-r", ROOT / "requirements.txt"],
        [python, "-c", "import pulumi, pulumi_aws"],
    ]
    network = settings.network_of_pip([sys.executable, "-m", "pip"], os.environ) or {}
    environment = settings.for_pip(settings.for_uv(os.environ, network), network)
    for command in commands:
        done = subprocess.run(
            command, env=environment, capture_output=True, encoding="utf-8", check=False
        )
        assert done.returncode == 0, done.stderr
