"""The emulator that the Pulumi CLI deploys into: every endpoint of stack local, and its graph."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from counter_service.local.deployment import deploy
from counter_service.local.emulator import EVERY_SERVICE, Emulator
from counter_service.local.program import ROOT, stack_config

from .conftest import eventually

PULUMI_PORT = "4566"

# Endpoint of Pulumi.local.yaml → client of boto3, and a question that changes nothing.
QUESTIONS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "apigateway": ("apigateway", lambda client: client.get_rest_apis()["items"]),
    "apigatewayv2": ("apigatewayv2", lambda client: client.get_apis()["Items"]),
    "cloudwatch": ("cloudwatch", lambda client: client.describe_alarms()["MetricAlarms"]),
    "dynamodb": ("dynamodb", lambda client: client.list_tables()["TableNames"]),
    "iam": ("iam", lambda client: client.list_roles()["Roles"]),
    "lambda": ("lambda", lambda client: client.list_functions()["Functions"]),
    "logs": ("logs", lambda client: client.describe_log_groups()["logGroups"]),
    "sns": ("sns", lambda client: client.list_topics()["Topics"]),
    "sts": ("sts", lambda client: client.get_caller_identity()["Account"]),
}


@dataclass(frozen=True)
class Running:
    emulator: Emulator
    config: dict[str, str]  # of stack local, with this emulator's port


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    config = stack_config("local")
    log_file = tmp_path_factory.mktemp("emulator") / "emulator.log"
    with Emulator(config["aws:region"], log_file, services=EVERY_SERVICE) as emulator:
        endpoints = config["aws:endpoints"].replace(PULUMI_PORT, str(emulator.port))
        yield Running(emulator, config | {"aws:endpoints": endpoints})


def test_every_endpoint_is_asked() -> None:
    (endpoints,) = json.loads(stack_config("local")["aws:endpoints"])
    assert endpoints.keys() == QUESTIONS.keys()


@pytest.mark.parametrize("service", QUESTIONS)
def test_an_endpoint_answers(running: Running, service: str) -> None:
    (endpoints,) = json.loads(running.config["aws:endpoints"])
    name, ask = QUESTIONS[service]
    client = boto3.client(
        name,
        endpoint_url=endpoints[service],
        region_name=running.config["aws:region"],
        aws_access_key_id=running.config["aws:accessKey"],
        aws_secret_access_key=running.config["aws:secretKey"],
    )
    assert ask(client) is not None


def test_the_graph_with_these_endpoints_works(running: Running) -> None:
    # deploy() has a client ask for the value, and the function posts the answer.
    outputs = deploy(running.emulator, "local", running.config).outputs
    start = f"ws://127.0.0.1:{running.emulator.port}/_aws/execute-api/"
    assert outputs["WebSocketApiEndpoint"].startswith(start)


def test_it_runs_on_its_port_until_it_is_stopped(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "counter_service.local.standalone", "--port", str(port)]
    terminal = tmp_path / "terminal.txt"
    with terminal.open("w") as output:
        process = subprocess.Popen(
            [*command, "--log-file", str(tmp_path / "emulator.log")],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        eventually(lambda: "answers on" in terminal.read_text(), 60)
        assert f"http://127.0.0.1:{port}." in terminal.read_text()
        with socket.create_connection(("127.0.0.1", port)):
            process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert "Stopped." in terminal.read_text()
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    finally:
        process.kill()
        process.wait()
