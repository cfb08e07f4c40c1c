"""How the stack reaches AWS or an emulator: the `aws:` and `emulator:` keys."""

import json
from typing import Any

import pulumi
import pytest

from counter_service.infra.provider import KEYS
from counter_service.program import run_program, stack_config

from .recorder import HOST, Graph, Recorder, dev, run

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


def with_keys(**config: str) -> Graph:
    """The graph of dev with some keys set, each with its namespace."""
    return run("dev", stack_config("dev") | config)


def provider(graph: Graph) -> dict[str, Any]:
    return graph.one("pulumi:providers:aws").inputs


def test_the_provider_has_no_credentials_without_keys() -> None:
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
        # The engine's name of the service differs from Python's.
        ("endpoints", f'[{{"lambda": "{URL}/"}}]', f'[{{"lambda": "{URL}"}}]'),
    ],
)
def test_an_aws_key_reaches_the_provider(key: str, value: str, expected: str) -> None:
    assert provider(with_keys(**{f"aws:{key}": value}))[key] == expected


@pytest.mark.parametrize("key", ["secretKey", "token"])
def test_a_secret_key_stays_secret(key: str) -> None:
    assert SECRET in provider(with_keys(**{f"aws:{key}": "hidden"}))[key]


S3 = '[{"s3": "http://127.0.0.1:4566"}]'
READ = ", ".join(sorted(KEYS))
NOT_A_SERVICE = "ProviderEndpointArgs.__init__() got an unexpected keyword argument 's4'"


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("aws:assumeRole", "{}", f"is unknown. Remove it: the program reads only {READ}."),
        ("aws:skipMetadataApiCheck", "yes", "is 'yes', but must be true or false."),
        (
            "aws:allowedAccountIds",
            "12",
            """is '12', but must be a list such as ["123456789012"].""",
        ),
        ("aws:endpoints", URL, f"is '{URL}', but must be a list such as {S3}."),
        ("aws:endpoints", f'["{URL}"]', f"contains '{URL}', but must be a list such as {S3}."),
        (
            "aws:endpoints",
            '[{"s3": "127.0.0.1"}]',
            "has '127.0.0.1' for s3, but must have an http or https URL.",
        ),
        (
            "aws:endpoints",
            f'[{{"s4": "{URL}"}}]',
            f"names a service that pulumi-aws does not have. Remove it. ({NOT_A_SERVICE})",
        ),
        (
            "emulator:webSocketBaseUrl",
            URL,
            f"is '{URL}', but must be a URL such as ws://127.0.0.1:4566/path.",
        ),
        ("emulator:url", URL, "is unknown. Remove it from the stack's configuration."),
    ],
)
def test_a_wrong_key_is_refused(key: str, value: str, problem: str) -> None:
    recorder = Recorder()
    with pytest.raises(pulumi.RunError) as raised:
        run_program(recorder, "dev", stack_config("dev") | {key: value})
    assert str(raised.value) == f"Configuration: {key} {problem}"
    assert recorder.graph.resources == []


def test_the_stage_on_aws_is_at_the_endpoint_of_the_api() -> None:
    assert dev().outputs["WebSocketApiEndpoint"] == f"wss://{HOST}/prod"
    assert management_endpoint(dev()) == f"https://{HOST}/prod"


def test_an_emulators_base_url_replaces_the_endpoint_of_the_api() -> None:
    graph = with_keys(**{"emulator:webSocketBaseUrl": "ws://127.0.0.1:4566/apis/"})
    path = "127.0.0.1:4566/apis/websocket-api-id/prod"
    assert graph.outputs["WebSocketApiEndpoint"] == f"ws://{path}"
    assert management_endpoint(graph) == f"http://{path}"


def management_endpoint(graph: Graph) -> str:
    function = graph.one("aws:lambda/function:Function").inputs
    endpoint: str = function["environment"]["variables"]["MANAGEMENT_ENDPOINT"]
    return endpoint


def test_stack_local_has_an_endpoint_for_every_service_of_its_graph() -> None:
    graph = run("local", stack_config("local"))
    services = {r.type.split(":")[1].split("/")[0] for r in graph.resources if "/" in r.type}
    (endpoints,) = json.loads(provider(graph)["endpoints"])
    assert {ENDPOINT_OF[service] for service in services} | {"sts"} <= endpoints.keys()
    assert set(endpoints.values()) == {URL}
