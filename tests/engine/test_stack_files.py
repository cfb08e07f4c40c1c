"""Pulumi's engine gives the verdicts that the table of stack files records."""

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from counter_service.paths import ROOT
from counter_service.stack_files import config as stack_files
from counter_service.toolchain import pulumi_cli
from counter_service.toolchain.errors import ToolchainError
from tests.local.stack_files import CASES, NAME, STACK, Case, write

SECONDS = 60.0


@dataclass(frozen=True)
class Engine:
    """A stack in a folder of its own, with its state and the CLI's home beside it."""

    pulumi: Path
    root: Path

    def __post_init__(self) -> None:
        for name in ("home", "state", "bin"):
            (self.root / name).mkdir()
        host = self.root / "bin" / "pulumi-language-python"
        script = ROOT / "tests" / "engine" / "recording_host.py"
        command = shlex.join(map(str, (sys.executable, script, self.passed)))
        host.write_text(
            f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {command} "$@"\n',
            encoding="utf-8",
        )
        host.chmod(0o755)
        # The CLI prefers the language host beside it.
        os.link(self.pulumi, self.root / "bin" / "pulumi")

    @property
    def passed(self) -> Path:
        """The file with the configuration that a program would get."""
        return self.root / "passed.json"

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        folder = self.root / "bin"
        return subprocess.run(
            [folder / "pulumi", *arguments, "--stack", STACK, "--non-interactive"],
            cwd=self.root,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            env={
                "HOME": str(self.root),
                "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
                "PULUMI_HOME": str(self.root / "home"),
                "PULUMI_BACKEND_URL": f"file://{self.root / 'state'}",
                "PULUMI_CONFIG_PASSPHRASE": "test",
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            },
        )

    def preview(self, content: bytes | None) -> tuple[dict[str, str] | None, str]:
        """What the program would get, or None, and what the CLI prints."""
        self.passed.unlink(missing_ok=True)
        (self.root / NAME).unlink(missing_ok=True)
        write(content, self.root)
        done = self.run("preview")
        printed = done.stdout + done.stderr
        passed = json.loads(self.passed.read_text("utf-8")) if self.passed.exists() else None
        assert (done.returncode == 0) == (passed is not None), printed
        return passed, printed


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    try:
        pulumi = pulumi_cli.find(ROOT)
    except ToolchainError as problem:
        pytest.skip(str(problem))
    engine = Engine(pulumi, tmp_path_factory.mktemp("engine"))
    write(None, engine.root)
    created = engine.run("stack", "init")
    assert created.returncode == 0, created.stderr
    return engine


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_engine_gives_the_verdict_of_the_table(case: Case, engine: Engine, tmp_path: Path) -> None:
    passed, printed = engine.preview(case.content)
    if case.refused_by == "engine":
        assert passed is None
    else:
        write(case.content, tmp_path)
        assert passed == stack_files.read(STACK, tmp_path).values, printed
