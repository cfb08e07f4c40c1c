"""The set-up checks what is there already, and repairs or rebuilds it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.toolchain.checkout import PACKAGES, Checkout

# Shell scripts that damage a checkout: see Checkout.change.
ENVIRONMENT_DAMAGES = {
    "environment is an empty folder": "rm -r .venv; mkdir .venv",
    "environment is a plain file": "rm -r .venv; touch .venv",
    "environment is a link to nowhere": "rm -r .venv; ln -s /nowhere/venv .venv",
    "environment was moved away by a killed command": "mv .venv .venv.old",
    "Python is a link to nowhere": "ln -sf /nowhere/python3 .venv/bin/python",
    "Python is not executable": "rm .venv/bin/python; touch .venv/bin/python",
    "Python is outside of the environment": "rm .venv/pyvenv.cfg",
    "package is deleted": "rm -r $PACKAGES/beta $PACKAGES/beta-2.0.dist-info",
    "package has another version": "$UV -q pip install --offline --find-links $WHEELS"
    " --python .venv/bin/python alpha==0.9",
    "package lacks a file": "rm $PACKAGES/beta/command.py",
    "package has a truncated file": ": > $PACKAGES/alpha/__init__.py",
    "package has no RECORD": "rm $PACKAGES/alpha-1.0.dist-info/RECORD",
    "package has a RECORD that is no text": r"printf '\377\000,a,b\n\000'"
    " > $PACKAGES/alpha-1.0.dist-info/RECORD",
    "package lacks its command": "rm .venv/bin/alpha",
    # The files of .venv and of the cache are hard links of each other.
    "cache of uv has a truncated file": ": > $PACKAGES/alpha/__init__.py;"
    " find $HOME/.cache/uv -path '*/alpha/__init__.py' -exec cp /dev/null {} ';'",
}
COUNTER_DAMAGES = {
    "counter is deleted": "rm .venv/bin/counter",
    "counter is of another version": "echo 'exit 1' >> .venv/bin/counter",
    "counter is no text": r"printf '\377\000' > .venv/bin/counter",
    "counter is not executable": "chmod 644 .venv/bin/counter",
    "counter is a link to nowhere": "ln -sf /nowhere/counter .venv/bin/counter",
}
PAGE_DAMAGES = {
    "nothing is there": "rm -r .venv web/node_modules web/dist",
    "killed commands left folders": "for each in .venv .toolchain/uv web/dist; do"
    " mkdir -p $each.new/bin $each.old/bin; touch $each.new/bin/python; done",
    "module is deleted": "rm -r web/node_modules/builder",
    "module has another version": 'echo \'{"version": "0.9.0"}\''
    " > web/node_modules/shown/package.json",
    "modules lack their commands": "rm -r web/node_modules/.bin",
    "modules were not installed to the end": "rm web/node_modules/.package-lock.json",
    "modules have a truncated lock file": "echo { > web/node_modules/.package-lock.json",
    "modules are a plain file": "rm -r web/node_modules; touch web/node_modules",
    "page has no index": "rm web/dist/index.html",
    "page lacks its script": "rm -r web/dist/assets",
    "page is older than its sources": "echo 'export {};' > web/src/main.ts",
    "page is a plain file": "rm -r web/dist; touch web/dist",
}
UV_DAMAGES = {
    "uv has another version": r"printf '#!/bin/sh\necho uv 0.0.1\n' > uv",
    "uv has a Python that is gone": r"""printf '#!/bin/sh\nexec %s "$@"\n' $UV > uv;"""
    " ln -s /nowhere/python3 python",
}


@pytest.mark.parametrize("script", COUNTER_DAMAGES.values(), ids=COUNTER_DAMAGES.keys())
def test_prepare_writes_a_damaged_counter_again_and_nothing_else(
    prepared: Checkout, script: str
) -> None:
    prepared.change(script)
    before = prepared.python.lstat().st_ino
    done = prepared.prepare("local")
    assert (done.returncode, done.stderr) == (0, "")
    prepared.assert_has("local")
    assert prepared.python.lstat().st_ino == before


@pytest.mark.parametrize("script", ENVIRONMENT_DAMAGES.values(), ids=ENVIRONMENT_DAMAGES.keys())
def test_prepare_repairs_a_python_environment(prepared: Checkout, script: str) -> None:
    prepared.change(script)
    done = prepared.prepare("dev")
    assert (done.returncode, done.stderr) == (0, "Installing requirements/dev.txt into .venv.\n")
    prepared.assert_has("dev")


@pytest.mark.parametrize("name", PAGE_DAMAGES)
def test_prepare_repairs_the_modules_and_the_page(prepared: Checkout, name: str) -> None:
    prepared.change(PAGE_DAMAGES[name])
    done = prepared.prepare("dev", "web", "page")
    assert done.returncode == 0, done.stderr
    assert (done.stderr == "") == (name == "killed commands left folders")
    prepared.assert_has("dev", "web", "page")


@pytest.mark.parametrize("script", UV_DAMAGES.values(), ids=UV_DAMAGES.keys())
def test_prepare_installs_a_damaged_uv_again(fresh: Checkout, script: str) -> None:
    fresh.change(
        f"rm .toolchain/uv; mkdir -p .toolchain/uv/bin; cd .toolchain/uv/bin; {script}; chmod +x uv"
    )
    done = fresh.prepare("deploy")
    assert done.returncode == 0, done.stderr
    fresh.assert_has("deploy")
    assert fresh.run(fresh.root / ".toolchain/uv/bin/python", "--version").returncode == 0


def test_prepare_leaves_a_prepared_checkout_as_it_is(prepared: Checkout) -> None:
    prepared.set(PIP_FIND_LINKS="/nowhere", PATH=f"{os.defpath}:{prepared.environ['PATH']}")
    before = prepared.python.lstat().st_ino
    done = prepared.prepare("deploy", "local", "dev", "web", "page", "bench-node")
    assert (done.returncode, done.stderr) == (0, "")
    assert prepared.python.lstat().st_ino == before


@pytest.mark.parametrize("order", [[*PACKAGES], [*reversed(PACKAGES)]], ids=" ".join)
def test_prepare_takes_the_environments_in_any_order(fresh: Checkout, order: list[str]) -> None:
    for part in order:
        done = fresh.prepare(part)
        assert done.returncode == 0, done.stderr
        fresh.assert_has(part)
    assert fresh.prepare(*PACKAGES).stderr == ""


def test_prepare_replaces_a_link_and_leaves_its_target(prepared: Checkout) -> None:
    prepared.change("rm -r .venv; mkdir $HOME/mine; touch $HOME/mine/file; ln -s $HOME/mine .venv")
    assert prepared.prepare("deploy").returncode == 0
    prepared.assert_has("deploy")
    assert (prepared.home / "mine/file").exists()


def test_prepare_replaces_the_environment_of_another_python(prepared: Checkout) -> None:
    other = _another_python()
    done = prepared.prepare("deploy", python=other)
    assert done.returncode == 0, done.stderr
    script = "import alpha, sys; print(sys.version, sys.base_prefix)"
    shown = prepared.run(prepared.python, "-Ic", script)
    wanted = prepared.run(other, "-Ic", script.replace("alpha, ", ""))
    assert shown.stdout == wanted.stdout


def _another_python() -> str:
    """A Python of another version or installation than the one that runs the tests."""
    script = (
        "import ensurepip, sys; print(sys.base_prefix); "
        "sys.exit(sys.version_info < (3, 11) or sys.prefix != sys.base_prefix)"
    )
    for folder in os.environ["PATH"].split(os.pathsep):
        for path in sorted(Path(folder).glob("python3*")):
            if re.fullmatch(r"python3(\.\d+)?", path.name):
                command: list[str | Path] = [path, "-Ic", script]
                found = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
                if found.returncode == 0 and found.stdout.strip() != sys.base_prefix:
                    return str(path)
    pytest.skip("The machine has only one Python.")


def test_prepare_names_a_package_lock_with_a_conflict(prepared: Checkout) -> None:
    lock = prepared.root / "web/package-lock.json"
    lock.write_text("<<<<<<< HEAD\n" + lock.read_text(encoding="utf-8"), encoding="utf-8")
    done = prepared.prepare("web")
    assert done.returncode == 1
    assert done.stderr == (
        "error: web/package-lock.json is not a lock file of npm. Restore it, for example with "
        "git checkout web/package-lock.json, and run the command again.\n"
    )
