"""`counter increment` on the real service behind a gateway on loopback."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from counter_service.cli.app import run
from counter_service.cli.errors import ExitCode
from counter_service.paths import ROOT
from counter_service.runtime.core.access import Access
from counter_service.runtime.core.origins import OriginPolicy
from simulation.fakes import FakeTokens
from tests.e2e.fault_proxy import FaultProxy
from tests.gateway import Gateway

SITE = "https://counter.example.com"


def test_increment_says_how_many_clicks_counted(capsys: pytest.CaptureFixture[str]) -> None:
    with Gateway() as gateway:
        assert run(["increment", gateway.url, "-n", "25"]) == ExitCode.OK
    assert capsys.readouterr().out == "25 clicks were counted. The counter is at 25.\n"
    assert gateway.counter.count == 25


def test_increment_prints_json_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    with Gateway() as gateway:
        assert run(["increment", gateway.url, "--json"]) == ExitCode.OK
    result = json.loads(capsys.readouterr().out)
    assert (result["acknowledged"], result["value"]) == (1, 1)
    assert result["seconds"] >= 0


def test_increment_counts_every_click_although_the_connection_is_cut() -> None:
    with Gateway() as gateway, FaultProxy.to(gateway.url) as proxy:
        with _process(proxy.through(gateway.url), "-n", "200") as process:
            while gateway.counter.count < 50:
                time.sleep(0.01)
            proxy.reset()
            assert process.wait(30) == ExitCode.OK
        assert proxy.accepted == 2
    assert gateway.counter.count == 200


def test_increment_sends_origin_and_token(monkeypatch: pytest.MonkeyPatch) -> None:
    access = Access(OriginPolicy(allowed=frozenset({SITE})), FakeTokens("good"))
    monkeypatch.setenv("COUNTER_TOKEN", "good")
    with Gateway(access) as gateway:
        assert run(["increment", gateway.url, "--origin", SITE]) == ExitCode.OK
    assert gateway.counter.count == 1


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        ([], "Give an origin of the stack's allowedOrigins with --origin."),
        (["--origin", "https://a.example"], "Is https://a.example in allowedOrigins?"),
        (["--origin", SITE], "Give a valid token with --token or COUNTER_TOKEN."),
    ],
)
def test_increment_says_why_it_is_rejected(
    capsys: pytest.CaptureFixture[str], arguments: list[str], advice: str
) -> None:
    with Gateway(Access(OriginPolicy(allowed=frozenset({SITE})), FakeTokens())) as gateway:
        assert run(["increment", gateway.url, *arguments]) == ExitCode.UNREACHABLE
    assert advice in capsys.readouterr().err


def test_increment_ends_when_nothing_responds(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["increment", "ws://127.0.0.1:9/prod", "--patience", "1"]) == ExitCode.UNREACHABLE
    error = capsys.readouterr().err
    assert "0 clicks were counted of 1." in error
    assert "Connect call failed" in error


def test_increment_that_is_interrupted_says_how_many_clicks_counted() -> None:
    with Gateway() as gateway, _process(gateway.url, "-n", "100000") as process:
        while gateway.counter.count < 10:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == ExitCode.INTERRUPTED
    assert "clicks were counted of 100,000." in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("number", ["0", "-1", "100001", "many"])
def test_increment_refuses_an_impossible_number_of_clicks(number: str) -> None:
    assert run(["increment", "ws://127.0.0.1:9/prod", "-n", number]) == ExitCode.USAGE


def _process(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "counter_service.cli", "increment", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
