"""A set-up that was interrupted, or two at once, leave nothing that the next command trusts."""

import os
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.toolchain.checkout import Checkout

WAITING = "Waiting for another command to finish its set-up.\n"
INSTALLING = "Installing requirements.txt into .venv.\n"


def make_slow(checkout: Checkout, word: str, seconds: float) -> Path:
    """Have uv sleep before it runs a command with `word`; return a file that it makes then."""
    real = (checkout.root / ".toolchain/uv").resolve()
    folder = checkout.root / ".toolchain/uv"
    folder.unlink()
    (folder / "bin").mkdir(parents=True)
    (folder / "lib").symlink_to(real / "lib")
    shutil.copy(real / "pyvenv.cfg", folder)
    (folder / "bin/python").symlink_to((real / "bin/python").resolve())
    started = checkout.home / "started"
    _write_slow(folder / "bin/uv", real / "bin/uv", word, started, seconds)
    return started


def make_npm_slow(checkout: Checkout, seconds: float) -> Path:
    """The same for `npm ci`."""
    real = shutil.which("npm", path=checkout.environ["PATH"])
    assert real
    folder = checkout.home / "bin"
    folder.mkdir()
    started = checkout.home / "started"
    _write_slow(folder / "npm", Path(real), "ci", started, seconds)
    checkout.set(PATH=f"{folder}{os.pathsep}{checkout.environ['PATH']}")
    return started


def _write_slow(script: Path, real: Path, word: str, started: Path, seconds: float) -> None:
    script.write_text(
        "#!/bin/sh\n"
        f'case " $* " in *" {word} "*) touch {shlex.quote(str(started))}; sleep {seconds};; esac\n'
        f'exec {shlex.quote(str(real))} "$@"\n'
    )
    script.chmod(0o755)


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def end(process: subprocess.Popen[str]) -> str:
    """Wait for the end of a process and of those that it started, and return the output."""
    output, _ = process.communicate(timeout=60)
    return output


def test_program_that_outlives_a_killed_set_up_is_waited_for(fresh: Checkout) -> None:
    started = make_slow(fresh, "sync", 1)
    first = fresh.start(*fresh.command("prepare", "deploy"))
    wait_for(started)
    first.kill()  # and not uv
    done = fresh.prepare("deploy")
    assert (done.returncode, done.stderr) == (0, WAITING + INSTALLING)
    fresh.assert_has("deploy")
    end(first)


def test_npm_that_outlives_a_killed_set_up_is_waited_for(fresh: Checkout) -> None:
    started = make_npm_slow(fresh, 1)
    first = fresh.start(*fresh.command("prepare", "web"))
    wait_for(started)
    first.kill()
    done = fresh.prepare("web")
    assert (done.returncode, done.stderr) == (0, WAITING)
    fresh.assert_has("web")
    end(first)


@pytest.mark.parametrize(
    "kind",
    [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT],
    ids=lambda each: each.name,
)
def test_set_up_is_repeated_after_a_signal(fresh: Checkout, kind: signal.Signals) -> None:
    started = make_slow(fresh, "sync", 5)
    first = fresh.start(*fresh.command("prepare", "deploy"))
    wait_for(started)
    os.killpg(first.pid, kind)
    assert "Traceback" not in end(first)
    if kind == signal.SIGINT:  # Ctrl-C
        assert first.returncode == 130
        assert fresh.leftovers() == []
    assert not (fresh.root / ".venv").exists()
    make_fast(fresh)
    done = fresh.prepare("deploy")
    assert (done.returncode, done.stderr) == (0, INSTALLING)
    fresh.assert_has("deploy")


def make_fast(checkout: Checkout) -> None:
    uv = checkout.root / ".toolchain/uv/bin/uv"
    uv.write_text(uv.read_text().replace("sleep", ": sleep"))


def test_set_up_is_repeated_after_kills_at_any_time(fresh: Checkout) -> None:
    begin = time.monotonic()
    assert fresh.prepare("deploy", "page").returncode == 0
    duration = time.monotonic() - begin
    for part in range(1, 6):
        shutil.rmtree(fresh.root / ".venv", ignore_errors=True)
        shutil.rmtree(fresh.root / "web/node_modules", ignore_errors=True)
        shutil.rmtree(fresh.root / "web/dist", ignore_errors=True)
        killed = fresh.start(*fresh.command("prepare", "deploy", "page"))
        time.sleep(duration * part / 6)
        os.killpg(killed.pid, signal.SIGKILL)
        end(killed)
        if part % 2:
            done = fresh.prepare("deploy", "page")
            assert done.returncode == 0, done.stderr
            fresh.assert_has("deploy")
            fresh.assert_has("page")


def test_two_at_once_install_once(fresh: Checkout) -> None:
    command = fresh.command("prepare", "deploy", "page")
    outputs = [end(each) for each in [fresh.start(*command), fresh.start(*command)]]
    assert "".join(outputs).count(INSTALLING) == 1
    assert "".join(outputs).count("Building the page") == 1
    assert "error" not in "".join(outputs)
    fresh.assert_has("deploy")
    fresh.assert_has("page")


def test_different_parts_at_once_are_all_prepared(fresh: Checkout) -> None:
    parts = ("deploy", "dev", "web", "local", "page", "bench-node")
    running = [fresh.start(*fresh.command("prepare", part)) for part in parts]
    outputs = [end(each) for each in running]
    assert [each.returncode for each in running] == [0] * len(parts), outputs
    for part in ("dev", "page", "bench-node"):
        fresh.assert_has(part)
