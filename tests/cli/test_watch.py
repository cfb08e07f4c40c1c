"""`counter watch` on the real service behind a gateway on loopback."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from rich.console import Console

from counter_service.cli.app import run
from counter_service.cli.clicks_per_second import ClickRate, bars
from counter_service.cli.commands.watch import panel
from counter_service.cli.errors import ExitCode
from counter_service.paths import ROOT
from counter_service.runtime.core.access import Access
from counter_service.runtime.core.origins import OriginPolicy
from tests.e2e.fault_proxy import FaultProxy
from tests.gateway import Gateway


def test_watch_prints_each_value_in_a_pipe() -> None:
    with Gateway() as gateway, _watching(gateway.url) as process:
        assert process.stdout
        assert process.stdout.readline() == "0\n"
        run(["increment", gateway.url])
        assert process.stdout.readline() == "1\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == ExitCode.INTERRUPTED
    assert errors == "connected\n"


def test_watch_prints_json_lines_for_programs() -> None:
    with Gateway() as gateway, _watching(gateway.url, "--json", "--seconds", "1") as process:
        out, _ = process.communicate(timeout=30)
    assert process.returncode == ExitCode.OK
    [fields] = map(json.loads, out.splitlines())
    assert (fields["value"], fields["connections"]) == (0, 1)
    assert abs(fields["at"] - time.time()) < 60
    assert fields["roundTripMs"] > 0


def test_watch_says_that_it_reconnects() -> None:
    with (
        Gateway() as gateway,
        FaultProxy.to(gateway.url) as proxy,
        _watching(proxy.through(gateway.url)) as process,
    ):
        assert process.stderr
        assert process.stderr.readline() == "connected\n"
        proxy.reset()
        assert process.stderr.readline().startswith("reconnecting: ")
        assert process.stderr.readline() == "connected\n"
        process.terminate()


def test_watch_draws_the_counter_in_a_terminal() -> None:
    with Gateway() as gateway:
        screen = _in_a_terminal(["watch", gateway.url, "--seconds", "1.5"])
    assert "● connected" in screen
    assert "Traceback" not in screen
    assert re.search(r"value +0", screen)
    assert re.search(r"round trip +[\d,]+ ms", screen)


def test_watch_that_is_rejected_ends(capsys: pytest.CaptureFixture[str]) -> None:
    with Gateway(Access(OriginPolicy())) as gateway:
        assert run(["watch", gateway.url, "--origin", "https://a.example"]) == ExitCode.UNREACHABLE
    assert "Is https://a.example in allowedOrigins?" in capsys.readouterr().err


def test_panel_shows_why_the_connection_is_down() -> None:
    client = SimpleNamespace(
        state="waiting", value=1234, connections=2, round_trip=0.0234, problem=OSError("No route.")
    )
    rate = ClickRate(60)
    rate.see(1000, 100.5)
    rate.see(1100, 101.5)
    rate.see(1234, 102.5)
    console = Console(width=80)
    with console.capture() as captured:
        console.print(panel(client, "ws://127.0.0.1:8080/prod", rate, 103.5))
    shown = captured.get()
    for text in ("● reconnecting", "1,234", "23.4/s", "23 ms", "▆█", "No route."):
        assert text in shown, f"{text!r} is not in the panel:\n{shown}"


def test_rate_counts_the_clicks_of_each_second() -> None:
    rate = ClickRate(4)
    for value, at in [(100, 10.2), (103, 10.9), (104, 12.0), (110, 13.9)]:
        rate.see(value, at)
    assert rate.history(13.9) == [3, 0, 1, 6]
    assert rate.history(15.0) == [1, 6, 0, 0]
    assert rate.per_second(15.0, 3) == pytest.approx(7 / 3)
    assert rate.history(99.0) == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("clicks", "drawn"),
    [([], ""), ([0, 0], "  "), ([1], "█"), ([8, 1, 0, 4], "█▁ ▄"), ([1000, 1], "█▁")],
)
def test_bars_are_as_high_as_their_part_of_the_greatest(clicks: list[int], drawn: str) -> None:
    assert bars(clicks) == drawn


def _watching(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "counter_service.cli", "watch", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def _in_a_terminal(arguments: list[str]) -> str:
    """The output of the command on a terminal."""
    terminal, end = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "counter_service.cli", *arguments],
        cwd=ROOT,
        env=os.environ | {"TERM": "xterm"},
        stdin=end,
        stdout=end,
        stderr=end,
    ):
        os.close(end)
        screen = _read_all(lambda: os.read(terminal, 65536)).decode()
    return re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", screen)


def _read_all(read: Callable[[], bytes]) -> bytes:
    parts = []
    try:
        while part := read():
            parts.append(part)
    except OSError:  # Linux reports the end of a terminal as an error
        pass
    return b"".join(parts)
