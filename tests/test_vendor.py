"""scripts/vendor, with a Python that only writes down what it is asked."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / "requirements-auth.txt"

# "-m pip install ... --target FOLDER ..." makes the folder, as pip does.
PIP = """#!/bin/sh
echo "$@" > {log}
while [ "$1" != --target ]; do shift; done
mkdir -p "$2/jwt"
exit {status}
"""


class Vendor:
    def __init__(self, folder: Path) -> None:
        self.folder = folder / "packages"
        self.log = folder / "log"
        self.python = folder / "python"

    def run(self, *platform: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        self.python.write_text(PIP.format(log=self.log, status=status))
        self.python.chmod(0o755)
        return subprocess.run(
            [ROOT / "scripts/vendor", self.python, self.folder, *platform],
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def vendor(tmp_path: Path) -> Vendor:
    return Vendor(tmp_path)


@pytest.mark.parametrize(
    ("platform", "options"),
    [
        ((), "--platform manylinux2014_aarch64 --implementation cp --python-version 3.13 "),
        (("here",), ""),
    ],
)
def test_installs_the_locked_wheels(
    vendor: Vendor, platform: tuple[str, ...], options: str
) -> None:
    result = vendor.run(*platform)
    assert (result.returncode, result.stderr) == (0, "")
    assert (
        vendor.log.read_text()
        .strip()
        .endswith(
            f"--no-compile --target {vendor.folder}.new {options}"
            f"--only-binary=:all: --require-hashes -r {REQUIREMENTS}"
        )
    )
    stamp = vendor.folder / "requirements-auth.txt"
    assert stamp.read_bytes() == REQUIREMENTS.read_bytes()
    assert (vendor.folder / "jwt").is_dir()


def test_replaces_what_was_there(vendor: Vendor) -> None:
    vendor.folder.mkdir()
    (vendor.folder / "old").touch()
    vendor.run()
    assert not (vendor.folder / "old").exists()


def test_a_failure_leaves_what_was_there(vendor: Vendor) -> None:
    vendor.run()
    shutil.copy(vendor.python, vendor.folder / "mark")
    result = vendor.run(status=1)
    assert result.returncode == 1
    assert "error: the token library could not be installed" in result.stderr
    assert (vendor.folder / "mark").exists()
    assert not Path(f"{vendor.folder}.new").exists()


def test_an_unknown_platform_is_named(vendor: Vendor) -> None:
    result = vendor.run("there")
    assert result.returncode == 2
    assert "the platform is lambda or here, not there" in result.stderr
    assert not vendor.log.exists()
