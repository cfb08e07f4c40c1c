"""`counter load` on the real service behind a gateway on loopback, also with planted faults."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from counter_service.cli.address import Address
from counter_service.cli.app import run
from counter_service.cli.errors import ExitCode
from counter_service.paths import ROOT
from counter_service.runtime.core.access import Access
from counter_service.runtime.core.origins import OriginPolicy
from tests.e2e.fault_proxy import FaultProxy
from tests.gateway import Gateway

DEPLOYED = "wss://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/prod"
SMALL = ("--clients", "5", "--clicks", "20", "--seconds", "1")


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as gateway:
        yield gateway


@pytest.fixture(autouse=True)
def _short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing value is found after a second."""
    monkeypatch.setattr("counter_service.cli.load.run.CONVERGENCE_SECONDS", 0.5)
    monkeypatch.setattr("counter_service.cli.load.run.BRIEF_SECONDS", 0.5)
    monkeypatch.setattr("counter_service.cli.load.run.READ_SECONDS", 2)
    monkeypatch.setattr("counter_service.cli.load.run.BUSY_READ_SECONDS", 2)


@pytest.fixture
def load(gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """Run the command with --json. Returns its result, with its exit code."""

    def load(*arguments: str, url: str = gateway.url) -> dict[str, Any]:
        code = run(["load", url, *SMALL, *arguments, "--json"])
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        return result | {"exit_code": code}

    return load


Load = Callable[..., dict[str, Any]]


def problems(result: dict[str, Any]) -> list[str]:
    return [each["problem"] for each in result["violations"]]


def test_load_agrees_with_the_server(gateway: Gateway, load: Load) -> None:
    gateway.counter.count = 1000
    result = load()
    assert gateway.counter.count == 1020
    assert result["value"] == {"before": 1000, "after": 1020, "growth": 20, "shared": False}
    assert result["clicks"] == {
        "due": 20, "acknowledged": 20, "lost": 0, "doubled": 0, "foreign": 0
    }  # fmt: skip
    counts = {series: found["count"] for series, found in result["seconds"].items()}
    assert counts == {"connect": 5, "click to acknowledgement": 20, "click to everyone": 20}
    assert result["violations"] == []
    assert result["exit_code"] == ExitCode.OK


def test_load_counts_every_message(gateway: Gateway, load: Load) -> None:
    result = load()
    assert result["messages"]["sent"] == len(gateway.frames)
    # Each of the five clients gets a value at first. A click is acknowledged, and broadcast to the
    # other four; one broadcast may show two clicks.
    assert 5 + 20 < result["messages"]["received"] <= 2 + 5 + 20 * 5


def test_load_shows_percentiles_and_a_histogram(
    gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["load", gateway.url, *SMALL]) == ExitCode.OK
    out = capsys.readouterr().out
    assert out.startswith("5 clients, 20 clicks/s for 1 s, connected within 0.1 s.\n")
    assert "20 of 20 acknowledged; the value grew by 20, from 0 to 20" in out
    assert "█" in out
    assert out.endswith(
        "Every acknowledged click counted exactly once, and every client shows the last value.\n"
    )


def test_load_without_clicks_measures_the_connects(load: Load) -> None:
    result = load("--clicks", "0")
    assert result["exit_code"] == ExitCode.OK
    assert result["seconds"]["connect"]["count"] == 5
    assert result["seconds"]["click to everyone"] is None


# --- planted faults -------------------------------------------------------------------------------


def test_lost_click_is_reported(
    gateway: Gateway, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = gateway.counter.increment_once

    def lose_the_last(op_id: str, expires_at: int) -> bool:
        is_new = count(op_id, expires_at)
        gateway.counter.count -= len(gateway.counter.operations) == 20
        return is_new

    monkeypatch.setattr(gateway.counter, "increment_once", lose_the_last)
    result = load()
    assert result["exit_code"] == ExitCode.PROBLEM
    assert result["clicks"]["acknowledged"] == 20
    assert result["clicks"]["lost"] == 1
    assert "1 clicks were lost" in problems(result)


def test_click_that_counts_twice_is_reported(
    gateway: Gateway, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = gateway.counter.increment_once

    def double_the_third(op_id: str, expires_at: int) -> bool:
        is_new = count(op_id, expires_at)
        gateway.counter.count += len(gateway.counter.operations) == 3
        return is_new

    monkeypatch.setattr(gateway.counter, "increment_once", double_the_third)
    result = load()
    assert result["exit_code"] == ExitCode.PROBLEM
    assert result["clicks"]["doubled"] == 1
    assert "1 clicks were doubled" in problems(result)


def test_lower_value_in_an_acknowledgement_is_reported(
    gateway: Gateway, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    def old_value() -> int:
        return 5 if gateway.counter.count == 10 else gateway.counter.count

    monkeypatch.setattr(gateway.counter, "value", old_value)
    result = load()
    assert result["exit_code"] == ExitCode.PROBLEM
    assert "was acknowledged with 5, although" in problems(result)[0]
    assert result["messages"]["reordered"] > 0


def test_client_that_gets_no_broadcast_is_reported(
    gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    def is_broadcast_to_the_fifth(connection_id: str, _: str) -> bool:
        return gateway.counter.count > 0 and connection_id in list(gateway.sockets.by_id)[4:5]

    gateway.sockets.loses = is_broadcast_to_the_fifth
    # The fifth client does not click.
    assert run(["load", gateway.url, *SMALL, "--clicks", "4"]) == ExitCode.PROBLEM
    out = capsys.readouterr().out
    assert "0 clicks; 1 clients without the last value" in out
    assert "convergence: client 5 never showed 4" in out


def test_click_without_an_acknowledgement_is_reported(
    gateway: Gateway, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counter_service.cli.load.run.RESOLVE_SECONDS", 0.5)
    _lose_acknowledgements(gateway)
    result = load("--clicks", "4")
    assert result["exit_code"] == ExitCode.PROBLEM
    assert result["clicks"]["acknowledged"] == 0
    assert problems(result)[0].startswith("4 clicks never resolved")


def _lose_acknowledgements(gateway: Gateway) -> None:
    gateway.sockets.loses = lambda _, message: "id" in json.loads(message)


def test_lost_connections_are_no_violation(gateway: Gateway, load: Load) -> None:
    with FaultProxy.to(gateway.url) as proxy:

        def cut() -> None:
            while gateway.counter.count < 10:
                time.sleep(0.01)
            proxy.reset()

        cutter = threading.Thread(target=cut)
        cutter.start()
        result = load(url=proxy.through(gateway.url))
        cutter.join()
    assert result["exit_code"] == ExitCode.OK
    assert result["connections"]["reconnects"] == 5
    assert result["clicks"]["acknowledged"] == gateway.counter.count == 20


def test_clicks_of_others_are_foreign_on_another_machine(
    gateway: Gateway, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Address, "is_loopback", False)
    count = gateway.counter.increment_once

    def click_too(op_id: str, expires_at: int) -> bool:
        gateway.counter.count += len(gateway.counter.operations) == 10
        return count(op_id, expires_at)

    monkeypatch.setattr(gateway.counter, "increment_once", click_too)
    result = load("--yes")
    assert result["exit_code"] == ExitCode.OK
    assert result["value"]["growth"] == 21
    assert result["clicks"]["foreign"] == 1


# --- before it begins -----------------------------------------------------------------------------


def test_load_of_another_machine_is_refused_without_consent(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["load", DEPLOYED, "--clients", "1000", "--clicks", "100"]) == ExitCode.USAGE
    shown = capsys.readouterr()
    assert shown.out == ""
    sentences = " ".join(shown.err.split())
    assert "is not on this machine. The load sends about 2,000 messages, receives" in sentences
    assert "and costs about $0.0" in sentences
    assert shown.err.endswith(
        "error: There is no terminal to ask for consent. Accept the cost with --yes.\n"
    )


def test_load_asks_before_it_costs_money(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda: "n")
    assert run(["load", DEPLOYED]) == ExitCode.PROBLEM
    shown = capsys.readouterr()
    assert "Continue? [y/n] (n): " in shown.err
    assert "error: Nothing was sent" in shown.err


def test_ramp_up_respects_the_quota_of_connections(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["load", "ws://127.0.0.1:9/prod", "--clients", "1000", "--ramp-up", "1.9"]
    assert run(arguments) == ExitCode.USAGE
    assert "accepts 500 new connections a second. Give --ramp-up 2 or more." in (
        capsys.readouterr().err
    )


def test_load_names_the_limit_of_open_files(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (256, 256))
    assert run(["load", "ws://127.0.0.1:9/prod", "--clients", "500"]) == ExitCode.USAGE
    assert capsys.readouterr().err == (
        "error: 550 open files are needed, and the system allows 256. Raise the limit "
        "(ulimit -Hn), or take fewer --clients.\n"
    )


def test_load_names_a_missing_folder_of_the_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "missing" / "load.svg"
    assert run(["load", "ws://127.0.0.1:9/prod", "--svg", str(file)]) == ExitCode.USAGE
    assert f"There is no folder {file.parent}" in capsys.readouterr().err


def test_load_of_a_counter_that_is_away_ends_as_unreachable(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["load", "ws://127.0.0.1:9/prod"]) == ExitCode.UNREACHABLE
    assert "Connect call failed" in capsys.readouterr().err


def test_load_says_why_it_is_rejected(capsys: pytest.CaptureFixture[str]) -> None:
    with Gateway(Access(OriginPolicy(allowed=frozenset({"https://counter.example.com"})))) as away:
        assert run(["load", away.url]) == ExitCode.UNREACHABLE
    assert "Give an origin of the stack's allowedOrigins" in capsys.readouterr().err


# --- while it runs and afterwards -----------------------------------------------------------------


def test_ctrl_c_shows_what_was_measured(gateway: Gateway) -> None:
    words = ["load", gateway.url, "--clients", "5", "--clicks", "50", "--seconds", "60"]
    with subprocess.Popen(
        [sys.executable, "-m", "counter_service.cli", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as process:
        while gateway.counter.count < 10:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    clicks = gateway.counter.count
    assert process.returncode == ExitCode.INTERRUPTED
    assert f"{clicks} of 3,000 acknowledged; the value grew by {clicks}, from 0 to {clicks}" in out
    assert "Ctrl-C ended the load early." in out


def test_ctrl_c_waits_briefly_for_pending_clicks(gateway: Gateway, load: Load) -> None:
    _lose_acknowledgements(gateway)

    def interrupt() -> None:
        while gateway.counter.count < 3:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    result = load("--seconds", "60")
    interrupter.join()
    assert result["exit_code"] == ExitCode.INTERRUPTED
    assert result["interrupted"]
    assert result["clicks"]["acknowledged"] == 0
    assert result["value"]["growth"] >= 3
    assert result["violations"] == []


def test_load_shows_its_result_although_the_server_ends(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counter_service.cli.load.run.RESOLVE_SECONDS", 0.5)
    with Gateway() as gateway:
        timer = threading.Timer(0.6, gateway.stop)
        timer.start()
        assert run(["load", gateway.url, *SMALL]) == ExitCode.UNREACHABLE
        timer.join()
    shown = capsys.readouterr()
    assert "5 of the clients have no connection at the end. The problem of client 1: " in shown.out
    assert "There is no connection to ws://" in shown.err


def test_load_in_a_pipe_prints_a_line_every_few_seconds(
    gateway: Gateway, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("counter_service.cli.load.progress.SECONDS_OF_A_LINE", 0.4)
    run(["load", gateway.url, *SMALL])
    lines = capsys.readouterr().err.splitlines()
    clicking = [line for line in lines if line.startswith("clicking: 5 of 5 clients connected, ")]
    assert clicking
    assert clicking[0].endswith(" messages received")


def test_picture_shows_both_latencies(gateway: Gateway, tmp_path: Path) -> None:
    file = tmp_path / "load.svg"
    assert run(["load", gateway.url, *SMALL, "--svg", str(file)]) == ExitCode.OK
    picture = ElementTree.fromstring(file.read_text(encoding="utf-8"))  # noqa: S314 -- our own
    texts = [each.text for each in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert "5 clients, 20 clicks/s for 1 s, 20 clicks acknowledged" in texts
    assert {"click to acknowledgement", "click to everyone"} <= set(texts)
