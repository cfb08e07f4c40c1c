"""How the stack reaches AWS: what an explicit provider is told, and where the API is served."""

import json
from typing import Any

import pulumi
import pytest

from counter_service.program import run_program, stack_config

from .recorder import REGION, Graph, Recorder, dev

URL = "http://127.0.0.1:4566"
# Pulumi hands secrets over in an object with this signature.
SECRET = "4dabf18193072939515e22adb298388d"

# Service of a token → its name among the provider's endpoints.
ENDPOINT_OF = {
    "apigatewayv2": "apigatewayv2",
    "cloudwatch": "logs",  # of the log group; alarms have "cloudwatch"
    "dynamodb": "dynamodb",
    "iam": "iam",
    "lambda": "lambda",
}


def run(stack: str = "dev", **aws: str) -> Graph:
    """The graph of a stack with some `aws:` keys set."""
    recorder = Recorder()
    config = stack_config(stack) | {f"aws:{key}": value for key, value in aws.items()}
    recorder.graph.outputs = run_program(recorder, stack, config)
    return recorder.graph


def provider(graph: Graph) -> dict[str, Any]:
    return graph.one("pulumi:providers:aws").inputs


def test_without_any_key_the_shell_decides() -> None:
    assert provider(dev()).keys() == {
        "region",
        "defaultTags",
        # pulumi-aws's own defaults
        "skipCredentialsValidation",
        "skipRegionValidation",
    }
    assert provider(dev())["skipCredentialsValidation"] == "false"


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("profile", "work", "work"),
        ("skipCredentialsValidation", "true", "true"),
        ("skipRequestingAccountId", "true", "true"),
        ("skipMetadataApiCheck", "true", "true"),
        ("s3UsePathStyle", "true", "true"),
        ("allowedAccountIds", '["123456789012"]', '["123456789012"]'),
        # The engine knows the service by its own name, Python by another.
        ("endpoints", f'[{{"lambda": "{URL}/"}}]', f'[{{"lambda": "{URL}"}}]'),
    ],
)
def test_a_key_reaches_the_provider(key: str, value: str, expected: str) -> None:
    assert provider(run(**{key: value}))[key] == expected


@pytest.mark.parametrize("key", ["secretKey", "token"])
def test_what_is_secret_stays_secret(key: str) -> None:
    assert SECRET in provider(run(**{key: "hidden"}))[key]


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("assumeRole", "{}", "aws:assumeRole is not one of the keys that are read"),
        ("skipMetadataApiCheck", "yes", "skipMetadataApiCheck 'yes' is not true or false."),
        ("allowedAccountIds", "12", "aws:allowedAccountIds '12' is not a list."),
        ("endpoints", URL, f"aws:endpoints '{URL}' is not a list."),
        ("endpoints", f'["{URL}"]', "aws:endpoints is not a list such as"),
        ("endpoints", '[{"s3": "127.0.0.1"}]', "aws:endpoints s3 '127.0.0.1' is not an http(s)"),
        ("endpoints", f'[{{"s4": "{URL}"}}]', "aws:endpoints (ProviderEndpointArgs.__init__() got"),
    ],
)
def test_a_wrong_key_is_one_sentence(key: str, value: str, sentence: str) -> None:
    with pytest.raises(pulumi.RunError) as raised:
        run(**{key: value})
    assert str(raised.value).startswith(f"Configuration: {sentence}")


def test_on_aws_the_api_says_where_it_is() -> None:
    host = f"a1b2c3d4e5.execute-api.{REGION}.amazonaws.com/prod"
    assert dev().outputs["WebSocketApiEndpoint"] == f"wss://{host}"
    assert management_endpoint(dev()) == f"https://{host}"


def test_on_an_emulator_both_addresses_are_at_its_endpoint() -> None:
    graph = run(endpoints=f'[{{"apigatewayv2": "{URL}"}}]')
    path = "127.0.0.1:4566/_aws/execute-api/websocket-api-id/prod"
    assert graph.outputs["WebSocketApiEndpoint"] == f"ws://{path}"
    assert management_endpoint(graph) == f"http://{path}"


def management_endpoint(graph: Graph) -> str:
    function = graph.one("aws:lambda/function:Function").inputs
    endpoint: str = function["environment"]["variables"]["MANAGEMENT_ENDPOINT"]
    return endpoint


def test_stack_local_has_an_endpoint_for_every_service_of_its_graph() -> None:
    graph = run("local")
    services = {r.type.split(":")[1].split("/")[0] for r in graph.resources if "/" in r.type}
    (endpoints,) = json.loads(provider(graph)["endpoints"])
    assert {ENDPOINT_OF[service] for service in services} | {"sts"} <= endpoints.keys()
    assert set(endpoints.values()) == {URL}
