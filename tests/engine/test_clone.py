"""A fresh clone, deployed with the CLI as a person would.

The provider is a plugin on PATH, and the CLI starts the program by its language host.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from counter_service.paths import ROOT
from counter_service.toolchain import pulumi_cli

from .stacks import engine_environ


class Clone:
    """A clone of this checkout, as it is committed."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(self.root)], check=True)
        (folder / "state").mkdir()
        plugin = folder / "bin" / "pulumi-resource-aws"
        plugin.parent.mkdir()
        plugin.write_text(
            f"#!/bin/sh\ncd {ROOT} && exec {sys.executable} -m tests.engine.plugin\n",
            encoding="utf-8",
        )
        plugin.chmod(0o755)
        programs = [str(plugin.parent), str(pulumi_cli.find(ROOT).parent), os.environ["PATH"]]
        self._environ = {
            **os.environ,
            **engine_environ(folder),
            "PATH": os.pathsep.join(programs),
        }

    def pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["pulumi", *arguments, "--stack", "x", "--non-interactive"],
            cwd=self.root,
            env=self._environ,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    def do(self, *arguments: str) -> str:
        """Run a command that must succeed. Return its output."""
        done = self.pulumi(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """After `pulumi stack init`, `pulumi config set aws:region` and `pulumi up`."""
    clone = Clone(tmp_path_factory.mktemp("fresh"))
    clone.do("stack", "init")
    clone.do("config", "set", "aws:region", "eu-central-1")
    clone.do("up", "--yes")
    return clone


@pytest.mark.timeout(300)  # installs the packages and builds the page
def test_pulumi_up_builds_the_page_and_creates_the_stack(clone: Clone) -> None:
    assert (clone.root / "web/dist/index.html").exists()
    outputs = json.loads(clone.do("stack", "output", "--json"))
    assert outputs["FunctionName"] == "websocket-x"
    assert outputs["WebsiteUrl"].endswith("/realtime-counter")


def test_another_folder_and_other_times_of_the_files_change_nothing(clone: Clone) -> None:
    root, clone.root = clone.root, clone.root.with_name("moved")
    root.rename(clone.root)
    for path in (clone.root / "counter_service").rglob("*.py"):
        os.utime(path, (86_400, 86_400))
    clone.do("preview", "--expect-no-changes")


def test_wrong_configuration_is_shown_once(clone: Clone) -> None:
    clone.do("config", "set", "memoryMb", "1")
    shown = clone.pulumi("preview")
    clone.do("config", "rm", "memoryMb")
    sentence = (
        "error: Configuration: memoryMb is '1', but must be a whole number from 128 to 10240."
    )
    assert shown.returncode != 0
    assert shown.stdout.partition("Diagnostics:")[2].count(sentence) == 1
    assert "Traceback" not in shown.stdout + shown.stderr
