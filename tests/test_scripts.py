"""The commands around the program."""

import subprocess

from counter_service.paths import ROOT


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
