"""The deployed stack in the embedded AWS, and the deployed archive under AWS's runtime client."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from websockets.sync.client import connect

from counter_service.local.emulator import MiniStack
from counter_service.local.environment import isolate
from counter_service.local.mocks import EmulatorMocks
from counter_service.paths import ROOT
from counter_service.runtime.contract import METRICS_DIMENSION, METRICS_NAMESPACE
from counter_service.runtime.core.events import continue_broadcast
from counter_service.runtime.core.ports import Progress
from counter_service.toolchain import places
from counter_service.toolchain.uv import Uv
from tests.unit.recorded import recorded

from .account import Thing
from .runtime_api import RuntimeApi, runtime_api
from .stacks import Stack

ORIGIN = "https://counter.example.com"  # of the recorded handshake
EVENTS = ("connect", "message-increment", "message-get-current", "disconnect")
# Added to the archive: every disconnect fails.
FAILURE = """
serve = CounterService.handle
CounterService.handle = lambda self, event, deadline_ms: (
    1 / 0 if isinstance(event, Disconnect) else serve(self, event, deadline_ms)
)
"""
only_on_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="AWS's runtime client has wheels for Linux only"
)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    with patch.dict(os.environ):
        isolate(os.environ)
        with MiniStack("eu-central-1", tmp_path_factory.mktemp("emulator")) as emulator:
            yield emulator


@pytest.fixture(scope="module")
def deployed(new_stack: Callable[..., Stack], emulator: MiniStack) -> Stack:
    base_url = f"ws://127.0.0.1:{emulator.port}/_aws/execute-api"
    config = {"emulator:webSocketBaseUrl": base_url, "allowedOrigins": json.dumps([ORIGIN])}
    stack = new_stack("dev", **config)
    stack.aws = EmulatorMocks(emulator)
    stack.up()
    return stack


def test_client_clicks_on_what_the_engine_deployed(deployed: Stack) -> None:
    url = json.loads(deployed.command("stack", "output", "--json"))["WebSocketApiEndpoint"]
    with connect(url, proxy=None) as client:
        client.send('{"action":"increment"}')
        assert json.loads(client.recv(timeout=30)) == {"type": "counter-update", "value": 1}


# --- AWS's runtime client ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def function(deployed: Stack) -> Thing:
    [function] = deployed.account.of("aws:lambda/function:Function")
    return function


@pytest.fixture(scope="module")
def python(function: Thing, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the packages of Lambda, in the function's version if the machine has it."""
    folder = tmp_path_factory.mktemp("lambda") / "venv"
    python = folder / "bin" / "python"
    with places.exclusive(ROOT):
        uv = Uv(ROOT)
        for command in (
            ("venv", "--no-project", "--python", base_python(function), folder),
            (*("pip", "sync", "--require-hashes"), "--python", python, "requirements/lambda.txt"),
        ):
            done = uv.run(*command)
            assert done.returncode == 0, done.stderr
    return python


def base_python(function: Thing) -> str:
    named = shutil.which(function.inputs["runtime"])
    starts = named and subprocess.run([named, "--version"], capture_output=True, check=False)
    return named if named and starts and starts.returncode == 0 else sys.executable


@pytest.fixture
def archive(function: Thing, tmp_path: Path) -> Path:
    """The function's archive, unpacked as the provider received it."""
    root = tmp_path / "task"
    for name, asset in function.inputs["code"]["assets"].items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(asset["path"], root / name)
    return root


@contextmanager
def running(
    python: Path, archive: Path, function: Thing, emulator: MiniStack
) -> Iterator[tuple[RuntimeApi, Callable[[], list[dict[str, Any]]]]]:
    """The function under the runtime client, and its log."""
    log = archive.with_name("log")
    with runtime_api() as api, log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [python, "-m", "awslambdaric", function.inputs["handler"]],
            cwd=archive,
            env={
                **function.inputs["environment"]["variables"],
                "AWS_LAMBDA_RUNTIME_API": api.address,
                "AWS_LAMBDA_FUNCTION_NAME": function.inputs["name"],
                "AWS_LAMBDA_LOG_FORMAT": function.inputs["loggingConfig"]["logFormat"],
                "AWS_REGION": emulator.region,
                "AWS_DEFAULT_REGION": emulator.region,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_ENDPOINT_URL": emulator.endpoint,
                "LAMBDA_TASK_ROOT": str(archive),
                "PYTHONUNBUFFERED": "1",
            },
            stdout=output,
            stderr=output,
        )
        try:
            yield (
                api,
                lambda: [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()],
            )
        finally:
            process.kill()
            process.wait()


@only_on_linux
def test_runtime_client_serves_every_event_of_api_gateway(
    python: Path, archive: Path, function: Thing, emulator: MiniStack
) -> None:
    with running(python, archive, function, emulator) as (api, logged):
        for name in EVENTS:
            assert api.invoke(recorded(name)) == ("response", {"statusCode": 200}), logged()
        progress = continue_broadcast(Progress("another invocation", 1))
        assert api.invoke(progress) == ("response", {"statusCode": 200}), logged()
        assert api.invoke({}) == ("response", {"statusCode": 400}), logged()
        lines = logged()
    assert [line["message"] for line in lines[:5]] == [
        *("connect", "increment", "get-current", "disconnect", "continue-broadcast"),
    ]
    assert "requestContext is missing" in lines[5]["message"]
    assert [line["level"] for line in lines] == ["INFO"] * 5 + ["ERROR"]
    assert all(line["requestId"].startswith("request-") for line in lines[:5])
    for line in lines:
        if "_aws" in line:
            check_metrics(line)
    assert [line.get("Clicks") for line in lines] == [None, 1, None, None, None, None]


def check_metrics(line: dict[str, Any]) -> None:
    """A line in CloudWatch's embedded metric format."""
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert abs(line["_aws"]["Timestamp"] - time.time() * 1000) < 60_000
    assert directive["Namespace"] == METRICS_NAMESPACE
    assert directive["Dimensions"] == [[METRICS_DIMENSION]]
    assert isinstance(line[METRICS_DIMENSION], str)
    for metric in directive["Metrics"]:
        assert metric["Unit"] in ("Count", "Milliseconds")
        assert type(line[metric["Name"]]) is int


@only_on_linux
def test_unexpected_error_is_reported_and_the_next_event_is_served(
    python: Path, archive: Path, function: Thing, emulator: MiniStack
) -> None:
    with (archive / "counter_service/runtime/core/service.py").open("a", encoding="utf-8") as file:
        file.write(FAILURE)
    with running(python, archive, function, emulator) as (api, logged):
        kind, error = api.invoke(recorded("disconnect"))
        assert (kind, error["errorType"]) == ("error", "ZeroDivisionError")
        assert api.invoke(recorded("message-get-current")) == ("response", {"statusCode": 200})
        lines = logged()
    assert [line["level"] for line in lines] == ["ERROR", "INFO"]
    assert lines[0]["errorType"] == "ZeroDivisionError"
