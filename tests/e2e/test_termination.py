"""`make run` and `make emulator` leave nothing, at whatever moment of their start they end."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from counter_service.paths import ROOT

from .conftest import START_SECONDS, eventually
from .processes import listening_ports, processes_below

END_SECONDS = 5.0
SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGKILL)


def runs(make: psutil.Process, name: str, threads: int = 1) -> bool:
    """Whether make has started the program whose command line has the name."""
    try:
        return any(
            child.num_threads() >= threads and any(name in each for each in child.cmdline())
            for child in make.children()
        )
    except psutil.Error:
        return False  # a child has ended meanwhile


MOMENTS: dict[str, Callable[[psutil.Process, Path], bool]] = {
    "set-up": lambda make, _: runs(make, "counter_service/toolchain"),
    # The second thread, which watches make, is the first thing that the command starts.
    "imports": lambda make, _: runs(make, "counter_service.local", threads=2),
    "emulator's start": lambda _, folder: (folder / "ministack.log").exists(),
    "emulator's first port": lambda make, _: bool(listening_ports(make)),
    "whole start": lambda _, folder: (
        "http" in (folder / "terminal.txt").read_text(encoding="utf-8")
    ),
}


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
@pytest.mark.parametrize("moment", MOMENTS)
def test_make_run_ended_at_a_moment_of_its_start_leaves_nothing(
    tmp_path: Path, moment: str, number: signal.Signals
) -> None:
    end_at(tmp_path, ["make", "run"], moment, number)


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_make_emulator_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = f"EMULATOR_PORT={probe.getsockname()[1]}"
    end_at(tmp_path, ["make", "emulator", port], "whole start", number)


def end_at(folder: Path, command: list[str], moment: str, number: signal.Signals) -> None:
    """Start a command, send it a signal at the moment, and wait until nothing is left of it.

    SIGHUP and SIGINT go to the process group, as a terminal sends them, the others to make.
    """
    with (folder / "terminal.txt").open("w", encoding="utf-8") as terminal:
        process = subprocess.Popen(
            [*command, f"FOLDER={folder}"],
            cwd=ROOT,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
    make = psutil.Process(process.pid)
    eventually(lambda: MOMENTS[moment](make, folder), START_SECONDS)
    started = [make, *make.children(recursive=True)]
    ports = listening_ports(make)
    if number in (signal.SIGHUP, signal.SIGINT):
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    try:
        process.wait(END_SECONDS)
        eventually(lambda: not any(map(psutil.Process.is_running, started)), END_SECONDS)
        eventually(lambda: processes_below(folder) == [], END_SECONDS)
    finally:
        for each in started:
            if each.is_running():
                each.kill()
        process.wait()
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    assert not (folder / "outputs.json").exists()
    printed = (folder / "terminal.txt").read_text(encoding="utf-8")
    # Python prints a traceback of its own when it is interrupted before it runs any program.
    assert "Traceback" not in printed or "Fatal Python error: init_import_site" in printed
