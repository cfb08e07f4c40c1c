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
from counter_service.local.emulator import EVERY_SERVICE, MiniStack
from counter_service.paths import ROOT
from counter_service.program import stack_config

from .conftest import ask, eventually
from .conftest import running as product

PULUMI_PORT = "4566"

# Endpoint of Pulumi.local.yaml, which is boto3's name too → a question that changes nothing.
QUESTIONS: dict[str, Callable[[Any], Any]] = {
    "apigateway": lambda client: client.get_rest_apis()["items"],
    "apigatewayv2": lambda client: client.get_apis()["Items"],
    "cloudwatch": lambda client: client.describe_alarms()["MetricAlarms"],
    "dynamodb": lambda client: client.list_tables()["TableNames"],
    "iam": lambda client: client.list_roles()["Roles"],
    "lambda": lambda client: client.list_functions()["Functions"],
    "logs": lambda client: client.describe_log_groups()["logGroups"],
    "sns": lambda client: client.list_topics()["Topics"],
    "sts": lambda client: client.get_caller_identity()["Account"],
}


TABLE = "aes_counter_state-local"
FUNCTION = "websocket-local"
ROLE = "websocket-local-eu-central-1"
LOGS = f"/aws/lambda/{FUNCTION}"

# What the provider asks about a resource that it has created, by the same names as above.
READS: list[tuple[str, Callable[[Any], Any]]] = [
    ("dynamodb", lambda client: client.describe_table(TableName=TABLE)["Table"]["TableArn"]),
    ("dynamodb", lambda client: client.describe_continuous_backups(TableName=TABLE)),
    ("dynamodb", lambda client: client.describe_time_to_live(TableName=TABLE)),
    ("lambda", lambda client: client.get_function(FunctionName=FUNCTION)["Configuration"]),
    ("lambda", lambda client: client.get_function_code_signing_config(FunctionName=FUNCTION)),
    ("lambda", lambda client: client.list_versions_by_function(FunctionName=FUNCTION)),
    ("lambda", lambda client: client.get_policy(FunctionName=FUNCTION)["Policy"]),
    ("iam", lambda client: client.get_role(RoleName=ROLE)["Role"]),
    ("iam", lambda client: client.get_role_policy(RoleName=ROLE, PolicyName=FUNCTION)),
    ("iam", lambda client: client.list_role_policies(RoleName=ROLE)["PolicyNames"]),
    ("iam", lambda client: client.list_attached_role_policies(RoleName=ROLE)),
    ("iam", lambda client: client.list_instance_profiles_for_role(RoleName=ROLE)),
    ("logs", lambda client: client.describe_log_groups(logGroupNamePrefix=LOGS)["logGroups"]),
    ("apigatewayv2", lambda client: client.get_stage(ApiId=_api(client), StageName="prod")),
    ("apigatewayv2", lambda client: client.get_routes(ApiId=_api(client))["Items"][2]),
    ("apigatewayv2", lambda client: client.get_integrations(ApiId=_api(client))["Items"][0]),
]


def _api(client: Any) -> str:
    (api,) = client.get_apis()["Items"]
    return str(api["ApiId"])


@dataclass(frozen=True)
class Running:
    emulator: MiniStack
    config: dict[str, str]  # of stack local, with this emulator's port
    outputs: dict[str, Any]

    def client(self, service: str) -> Any:
        (endpoints,) = json.loads(self.config["aws:endpoints"])
        return boto3.client(
            service,
            endpoint_url=endpoints[service],
            region_name=self.config["aws:region"],
            aws_access_key_id=self.config["aws:accessKey"],
            aws_secret_access_key=self.config["aws:secretKey"],
        )


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    config = stack_config("local")
    folder = tmp_path_factory.mktemp("emulator")
    with MiniStack(config["aws:region"], folder, services=EVERY_SERVICE) as emulator:
        config["aws:endpoints"] = config["aws:endpoints"].replace(PULUMI_PORT, str(emulator.port))
        # Returns once a client has asked for the value and the function has posted the answer.
        yield Running(emulator, config, deploy(emulator, "local", config).outputs)


def test_every_endpoint_is_asked() -> None:
    (endpoints,) = json.loads(stack_config("local")["aws:endpoints"])
    assert endpoints.keys() == QUESTIONS.keys()


@pytest.mark.parametrize("service", QUESTIONS)
def test_an_endpoint_answers(running: Running, service: str) -> None:
    assert QUESTIONS[service](running.client(service)) is not None


@pytest.mark.parametrize(("service", "read"), READS)
def test_what_the_provider_reads_is_there(
    running: Running, service: str, read: Callable[[Any], Any]
) -> None:
    assert read(running.client(service))


def test_the_graph_with_these_endpoints_is_served_at_them(running: Running) -> None:
    start = f"ws://127.0.0.1:{running.emulator.port}/_aws/execute-api/"
    assert running.outputs["WebSocketApiEndpoint"].startswith(start)


def test_make_run_has_an_emulator_of_its_own_for_stack_local(tmp_path: Path) -> None:
    with product(tmp_path, "--stack", "local") as local, local.connect() as client:
        assert f":{PULUMI_PORT}/" not in local.url
        assert ask(client, '{"action":"get-current"}') == {"type": "counter-update", "value": 0}


def test_it_runs_on_its_port_until_it_is_stopped(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "counter_service.local.standalone", "--port", str(port)]
    terminal = tmp_path / "terminal.txt"
    with terminal.open("w") as output:
        process = subprocess.Popen(
            [*command, "--folder", str(tmp_path)],
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
