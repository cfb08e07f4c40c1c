"""The commands around the program."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def path_without_pulumi(tmp_path: Path) -> str:
    """A PATH with what a shell script needs and nothing else."""
    for tool in ("sh", "echo", "dirname"):
        real = shutil.which(tool)
        assert real
        (tmp_path / tool).symlink_to(real)
    return str(tmp_path)


def test_without_the_pulumi_cli_up_says_how_to_get_it(path_without_pulumi: str) -> None:
    result = subprocess.run(
        [ROOT / "scripts/pulumi", "up"],
        env={"PATH": path_without_pulumi},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "the Pulumi CLI is not installed" in result.stderr
    assert "https://www.pulumi.com/docs/install/" in result.stderr


def test_with_the_pulumi_cli_its_arguments_are_handed_on(tmp_path: Path) -> None:
    fake = tmp_path / "pulumi"
    fake.write_text('#!/bin/sh\necho "called with $*"\n')
    fake.chmod(0o755)
    result = subprocess.run(
        [ROOT / "scripts/pulumi", "up", "--stack", "dev"],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout == "called with up --stack dev\n"


def test_bare_make_lists_every_documented_target() -> None:
    listing = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in (
        "run",
        "test",
        "up",
        "outputs",
        "build",
        "e2e",
        "screenshots",
        "lock",
        "clean",
        "emulator",
        "audit",
    ):
        assert f"  make {target} " in listing, target
