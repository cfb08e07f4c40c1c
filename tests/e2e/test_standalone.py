"""The emulator that the Pulumi CLI deploys stack local into."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from counter_service.local.deployment import deploy
from counter_service.local.emulator import EVERY_SERVICE, MiniStack
from counter_service.paths import ROOT
from counter_service.program import stack_config

from .conftest import eventually, request, running

PULUMI_PORT = "4566"

TABLE = "aes_counter_state-local"
FUNCTION = "websocket-local"
ROLE = "websocket-local-eu-central-1"
LOGS = f"/aws/lambda/{FUNCTION}"

# Requests of the provider about the resources that it has created, by service. A service without a
# resource in this stack gets a request that changes nothing.
READS: list[tuple[str, Callable[[Any], Any]]] = [
    ("apigateway", lambda client: "items" in client.get_rest_apis()),
    ("cloudwatch", lambda client: "MetricAlarms" in client.describe_alarms()),
    ("sns", lambda client: "Topics" in client.list_topics()),
    ("sts", lambda client: client.get_caller_identity()["Account"]),
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


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Any]]:
    """A client of a service, at its endpoint of stack local, which is deployed there."""
    config = stack_config("local")
    folder = tmp_path_factory.mktemp("emulator")
    with MiniStack(config["aws:region"], folder, services=EVERY_SERVICE) as emulator:
        for key in ("aws:endpoints", "emulator:webSocketBaseUrl"):
            config[key] = config[key].replace(PULUMI_PORT, str(emulator.port))
        # Returns after the function has responded to a client.
        url = deploy(emulator, "local", config).outputs["WebSocketApiEndpoint"]
        assert url.startswith(f"ws://127.0.0.1:{emulator.port}/_aws/execute-api/")
        (endpoints,) = json.loads(config["aws:endpoints"])

        def client(service: str) -> Any:
            return boto3.client(
                service,
                endpoint_url=endpoints[service],
                region_name=config["aws:region"],
                aws_access_key_id=config["aws:accessKey"],
                aws_secret_access_key=config["aws:secretKey"],
            )

        yield client


def test_every_endpoint_of_stack_local_has_a_read() -> None:
    (endpoints,) = json.loads(stack_config("local")["aws:endpoints"])
    assert endpoints.keys() == {service for service, _ in READS}


@pytest.mark.parametrize(("service", "read"), READS)
def test_endpoint_serves_what_the_provider_reads(
    client: Callable[[str], Any], service: str, read: Callable[[Any], Any]
) -> None:
    assert read(client(service))


def test_local_run_of_stack_local_starts_its_own_emulator(tmp_path: Path) -> None:
    with running(tmp_path, "--stack", "local") as local, local.connect() as client:
        assert f":{PULUMI_PORT}/" not in local.url
        assert request(client, '{"action":"get-current"}') == {"type": "counter-update", "value": 0}


def test_standalone_emulator_listens_on_its_port_until_it_is_stopped(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "counter_service.local.standalone", "--port", str(port)]
    terminal = tmp_path / "terminal.txt"
    with terminal.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [*command, "--folder", str(tmp_path)],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        eventually(lambda: "listens on" in terminal.read_text(encoding="utf-8"), 60)
        assert f"http://127.0.0.1:{port}." in terminal.read_text(encoding="utf-8")
        with socket.create_connection(("127.0.0.1", port)):
            process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert "Stopped." in terminal.read_text(encoding="utf-8")
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0
    finally:
        process.kill()
        process.wait()
