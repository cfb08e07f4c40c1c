"""The next command trusts nothing that an interrupted set-up left, and two at once take turns."""

import os
import shlex
import shutil
import signal
import subprocess
import time

import pytest

from tests.toolchain.checkout import Checkout

WAITING = "Waiting for another command to finish its set-up.\n"
INSTALLING = "Installing requirements.txt into .venv.\n"


def start_slowly(checkout: Checkout, seconds: float) -> subprocess.Popen[str]:
    """Start to prepare the environment while uv sleeps before it installs packages.

    Returns the process when uv has begun to sleep. A file `fast` in the home ends the sleeping.
    """
    real = (checkout.root / ".toolchain/uv").resolve()
    checkout.change(
        "real=$(cd .toolchain/uv; pwd -P); rm .toolchain/uv; mkdir -p .toolchain/uv/bin;"
        " cd .toolchain/uv; ln -s $real/lib $real/pyvenv.cfg .; ln -s $real/bin/python bin"
    )
    home = shlex.quote(str(checkout.home))
    script = checkout.root / ".toolchain/uv/bin/uv"
    script.write_text(
        f'#!/bin/sh\n[ -e {home}/fast ] || case " $* " in *" sync "*)\n'
        f"touch {home}/started; sleep {seconds};; esac\n"
        f'exec {shlex.quote(str(real))}/bin/uv "$@"\n',
        encoding="utf-8",
    )
    script.chmod(0o755)
    process = checkout.start("deploy")
    deadline = time.monotonic() + 30
    while not (checkout.home / "started").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def end(process: subprocess.Popen[str]) -> str:
    """Wait for the end of a process and of its children, and return the output."""
    output, _ = process.communicate(timeout=60)
    return output


def test_prepare_waits_for_a_program_that_outlives_a_killed_one(fresh: Checkout) -> None:
    first = start_slowly(fresh, 1)
    first.kill()  # and not uv
    done = fresh.prepare("deploy")
    assert (done.returncode, done.stderr) == (0, WAITING + INSTALLING)
    fresh.assert_has("deploy")
    end(first)


@pytest.mark.parametrize("kind", [signal.SIGKILL, signal.SIGINT], ids=lambda each: each.name)
def test_prepare_repeats_what_a_signal_ended(fresh: Checkout, kind: signal.Signals) -> None:
    first = start_slowly(fresh, 5)
    os.killpg(first.pid, kind)
    assert "Traceback" not in end(first)
    if kind == signal.SIGINT:  # Ctrl-C
        assert first.returncode == 130
        assert fresh.leftovers() == []
    assert not (fresh.root / ".venv").exists()
    (fresh.home / "fast").touch()
    done = fresh.prepare("deploy")
    # The signal may end uv a moment after the command, and the next command waits for it.
    assert (done.returncode, done.stderr.removeprefix(WAITING)) == (0, INSTALLING)
    fresh.assert_has("deploy")


def test_prepare_repeats_what_was_killed_at_any_time(fresh: Checkout) -> None:
    begin = time.monotonic()
    assert fresh.prepare("deploy", "page").returncode == 0
    duration = time.monotonic() - begin
    for share in (0.2, 0.4, 0.6, 0.8):
        for name in (".venv", "web/node_modules", "web/dist"):
            shutil.rmtree(fresh.root / name, ignore_errors=True)
        killed = fresh.start("deploy", "page")
        time.sleep(duration * share)
        os.killpg(killed.pid, signal.SIGKILL)
        end(killed)
        if share in (0.4, 0.8):
            done = fresh.prepare("deploy", "page")
            assert done.returncode == 0, done.stderr
            fresh.assert_has("deploy", "page")


def test_prepare_installs_once_when_two_run_at_once(fresh: Checkout) -> None:
    both = [fresh.start("deploy", "page", "local"), fresh.start("page", "local", "deploy")]
    output = "".join(end(each) for each in both)
    assert [each.returncode for each in both] == [0, 0], output
    assert output.count("Installing requirements/local.txt") == 1
    assert output.count("Building the page") == 1
    fresh.assert_has("local", "page")
