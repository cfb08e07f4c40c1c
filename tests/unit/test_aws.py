import gc
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import UnknownServiceError

from counter_service.runtime.aws import SERVICES, AwsClients
from counter_service.runtime.core.errors import SettingsError
from counter_service.runtime.fanout.gateway import AMAZON_ROOTS

pytestmark = pytest.mark.usefixtures("aws_environment")


@pytest.mark.parametrize("service", SERVICES)
def test_aws_clients_trust_only_the_given_roots(service: str) -> None:
    client = AwsClients(AMAZON_ROOTS).client(service)
    assert client.meta.service_model.service_name == service
    assert client._endpoint.http_session._verify == str(AMAZON_ROOTS)


def test_aws_clients_are_only_for_the_listed_services() -> None:
    with pytest.raises(UnknownServiceError):
        AwsClients(AMAZON_ROOTS).client("s3")


def test_aws_credentials_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    found = AwsClients(AMAZON_ROOTS).credentials()
    assert (found.access_key, found.secret_key, found.token) == ("key", "secret", "token")


def test_aws_credentials_error_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(SettingsError, match=r" AWS_ACCESS_KEY_ID is not set\. "):
        AwsClients(AMAZON_ROOTS).credentials()


IMPORT = """
import gc, importlib
try:
    importlib.import_module("counter_service.runtime.handler")
except Exception as failure:
    print(type(failure).__name__, end=" ")
print(gc.isenabled(), gc.get_freeze_count() > 0)
"""
COMPLETE = {
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_LAMBDA_FUNCTION_NAME": "websocket",
    "CONNECTIONS_TABLE": "connections",
    "COUNTER_TABLE": "counter",
    "MANAGEMENT_ENDPOINT": "https://example.execute-api.eu-central-1.amazonaws.com/prod",
}


@pytest.mark.parametrize(
    ("environment", "output"),
    [(COMPLETE, "True True"), ({}, "SettingsError True True")],
    ids=["started", "failed"],
)
def test_garbage_collector_runs_after_the_start(environment: dict[str, str], output: str) -> None:
    assert gc.isenabled()
    done = subprocess.run(
        [sys.executable, "-c", IMPORT],
        env=environment,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout.strip() == output
