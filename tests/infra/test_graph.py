"""The whole `__main__.py` against mocks: every resource, the function, the API, the outputs."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from counter_service.runtime import contract

from .recorder import ACCOUNT, HOST, OPT_IN, REGION, Graph, Resource, dev, record

FUNCTION = "aws:lambda/function:Function"
EVENT_INVOKE_CONFIG = "aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
POLICY = "aws:iam/rolePolicy:RolePolicy"
ROUTE = "aws:apigatewayv2/route:Route"
STAGE = "aws:apigatewayv2/stage:Stage"
API_ARN = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:a1b2c3d4e5"


@pytest.fixture(scope="module")
def graph() -> Graph:
    return dev()


@pytest.fixture(scope="module")
def opted_in() -> Graph:
    return record(**OPT_IN)


# --- every resource -----------------------------------------------------------------------------


def resource_name(resource: Resource) -> str:
    if resource.type in (STAGE, "aws:route53/record:Record"):
        return ""  # unique within its API; what the configuration says
    name: str = resource.inputs.get("name") or resource.inputs.get("dashboardName", "")
    return name


def has_a_component_above(graph: Graph, resource: Resource) -> bool:
    parents = {each.urn for each in graph.resources if not each.custom}
    return resource.parent in parents or resource.type == "counter:infra:CounterStack"


INVARIANTS: dict[str, Callable[[Graph, Resource], bool]] = {
    "is the child of a component": has_a_component_above,
    "goes through the stack's own provider": lambda _, resource: (
        not resource.type.startswith("aws:")
        or resource.provider.startswith("urn:pulumi:dev::counter-service::")
    ),
    "carries the stack in its name": lambda _, resource: (
        not resource.type.startswith("aws:")
        or not resource_name(resource)
        or "-dev" in resource_name(resource)
    ),
}


@pytest.mark.parametrize("rule", INVARIANTS)
def test_every_resource_fulfils_the_invariant(graph: Graph, opted_in: Graph, rule: str) -> None:
    holds = INVARIANTS[rule]
    for each in (graph, opted_in):
        assert [r for r in each.resources if not holds(each, r)] == []


def test_the_provider_has_the_region_and_tags_everything(graph: Graph) -> None:
    provider = graph.one("pulumi:providers:aws")
    assert provider.inputs["region"] == REGION
    assert json.loads(provider.inputs["defaultTags"]) == {
        "tags": {"project": "counter-service", "stack": "dev"}
    }


def test_two_stacks_fit_in_one_account(opted_in: Graph) -> None:
    other = record(stack="other", **OPT_IN | {"domainName": "other.example.com"})

    def domain(resource: Resource) -> str:
        # The domain name of a distribution is CloudFront's.
        own = not resource.type.startswith("aws:cloudfront/")
        return str(resource.inputs.get("domainName", "")) if own else ""

    def names(each: Graph) -> set[tuple[str, str]]:
        ours = (r for r in each.resources if r.type.startswith("aws:"))
        return {(r.type, resource_name(r) or domain(r)) for r in ours} - {
            (r.type, "") for r in each.resources
        }

    assert names(opted_in)
    assert not names(opted_in) & names(other)


def test_names_stay_within_the_limits_of_aws() -> None:
    """IAM and Lambda allow 64 characters, and budgets 100, for the longest name of a stack."""
    longest = record(stack="x" * 32, **OPT_IN, accountLoggingRole="true", region="ap-southeast-1")
    limits = {"aws:iam/role:Role": 64, FUNCTION: 64, "aws:budgets/budget:Budget": 100}
    for resource in longest.resources:
        limit = limits.get(resource.type, 255)
        assert len(resource_name(resource)) <= limit, f"the name is too long: {resource}"


# --- inputs -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "inputs"),
    [
        (
            FUNCTION,
            {
                "architectures": ["arm64"],
                "runtime": "python3.13",
                "handler": contract.HANDLER,
                "loggingConfig": {"logFormat": "JSON", "logGroup": "/aws/lambda/websocket-dev"},
            },
        ),
        (LOG_GROUP, {"name": "/aws/lambda/websocket-dev", "retentionInDays": 7}),
        (
            "aws:lambda/functionRecursionConfig:FunctionRecursionConfig",
            {"functionName": "websocket-dev", "recursiveLoop": "Allow"},
        ),
        (
            EVENT_INVOKE_CONFIG,
            {
                "functionName": "websocket-dev",
                "maximumRetryAttempts": 0,
                "maximumEventAgeInSeconds": 60,
            },
        ),
        (
            "aws:lambda/permission:Permission",
            {
                "principal": "apigateway.amazonaws.com",
                "action": "lambda:InvokeFunction",
                "sourceArn": f"{API_ARN}/prod/*",
                "function": "websocket-dev",
            },
        ),
        (
            "aws:apigatewayv2/api:Api",
            {"protocolType": "WEBSOCKET", "routeSelectionExpression": "$request.body.action"},
        ),
        (
            STAGE,
            {
                "name": "prod",
                "autoDeploy": True,
                # One without the other is a limit of 0: 429 for every message.
                "defaultRouteSettings": {"throttlingRateLimit": 100, "throttlingBurstLimit": 50},
            },
        ),
    ],
)
def test_a_resource_of_dev_has_its_inputs(
    graph: Graph, type_: str, inputs: dict[str, object]
) -> None:
    found = graph.one(type_).inputs
    assert {name: found.get(name) for name in inputs} == inputs


@pytest.mark.parametrize(
    ("key", "value", "type_", "path", "expected"),
    [
        ("region", "us-west-2", "pulumi:providers:aws", "region", "us-west-2"),
        ("stageName", "live", STAGE, "name", "live"),
        ("throttleRate", "7", STAGE, "defaultRouteSettings.throttlingRateLimit", 7),
        ("throttleBurst", "3", STAGE, "defaultRouteSettings.throttlingBurstLimit", 3),
        ("memoryMb", "256", FUNCTION, "memorySize", 256),
        ("timeoutSeconds", "25", FUNCTION, "timeout", 25),
        ("reservedConcurrency", "20", FUNCTION, "reservedConcurrentExecutions", 20),
        ("counterShards", "4", FUNCTION, "environment.variables.COUNTER_SHARDS", "4"),
        ("postsPerSecond", "5", FUNCTION, "environment.variables.POSTS_PER_SECOND", "5"),
        ("logRetentionDays", "90", LOG_GROUP, "retentionInDays", 90),
    ],
)
def test_a_configuration_key_reaches_its_resource(
    key: str, value: str, type_: str, path: str, expected: object
) -> None:
    found: Any = record(**{key: value}).one(type_).inputs
    for step in path.split("."):
        found = found[step]
    assert found == expected


def test_the_stage_name_reaches_everything_that_names_the_stage() -> None:
    graph = record(stageName="live")
    environment = graph.one(FUNCTION).inputs["environment"]["variables"]
    assert environment["MANAGEMENT_ENDPOINT"].endswith("/live")
    assert graph.one("aws:lambda/permission:Permission").inputs["sourceArn"].endswith("/live/*")
    assert "/live/POST/@connections/*" in graph.one(POLICY, "websocket-policy").inputs["policy"]
    assert graph.outputs["WebSocketApiEndpoint"].endswith("/live")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("reservedConcurrentExecutions", "0 would mean that nothing runs"),
        ("publish", "versions are kept until a person deletes them (docs/adr/0018)"),
        ("snapStart", "the function does not use SnapStart (docs/adr/0018)"),
    ],
)
def test_the_function_of_dev_does_not_have_the_input(graph: Graph, name: str, why: str) -> None:
    assert name not in graph.one(FUNCTION).inputs, why


# --- function -----------------------------------------------------------------------------------


def test_the_function_has_the_variables_that_its_settings_read(graph: Graph) -> None:
    assert graph.one(FUNCTION).inputs["environment"]["variables"] == {
        "CONNECTIONS_TABLE": "aes_websocket_connections-dev",
        "COUNTER_TABLE": "aes_counter_state-dev",
        "MANAGEMENT_ENDPOINT": f"https://{HOST}/prod",
        "ALLOW_LOCALHOST": "true",
        "ALLOW_MISSING_ORIGIN": "true",
        "ALLOWED_ORIGINS": "https://d111111abcdef8.cloudfront.net",  # the stack's own site
        "CLICKS_PER_SECOND": "0",
        "COUNTER_SHARDS": "1",
        "POSTS_PER_SECOND": "5000",
    }


def test_the_function_waits_for_its_policy_and_its_log_group(graph: Graph) -> None:
    upstream = graph.upstream(graph.one(FUNCTION))
    assert graph.one(POLICY, "websocket-policy").urn in upstream
    assert graph.one(LOG_GROUP).urn in upstream


def test_the_role_allows_each_action_on_its_own_resource(graph: Graph) -> None:
    policy = json.loads(graph.one(POLICY, "websocket-policy").inputs["policy"])
    tables = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table"
    logs = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/websocket-dev:*"
    # test_policies.py derives the other actions from the runtime.
    statements = {statement["Sid"]: statement for statement in policy["Statement"]}
    assert statements["Logs"]["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert {sid: statement["Resource"] for sid, statement in statements.items()} == {
        "Connections": f"{tables}/aes_websocket_connections-dev",
        "Counter": f"{tables}/aes_counter_state-dev",
        "ManageConnections": [
            f"{API_ARN}/prod/{method}/@connections/*" for method in ("POST", "DELETE")
        ],
        "Logs": logs,
    }


@pytest.mark.parametrize(("clicks_per_second", "may_update"), [("0", False), ("20", True)])
def test_the_role_updates_connections_only_with_a_limit_of_clicks(
    clicks_per_second: str, may_update: bool
) -> None:
    role_policy = record(clicksPerSecond=clicks_per_second).one(POLICY, "websocket-policy")
    connections, *_ = json.loads(role_policy.inputs["policy"])["Statement"]
    assert ("dynamodb:UpdateItem" in connections["Action"]) == may_update


def test_the_role_is_assumed_by_lambda_only(graph: Graph) -> None:
    role = json.loads(graph.one("aws:iam/role:Role").inputs["assumeRolePolicy"])
    assert [s["Principal"] for s in role["Statement"]] == [{"Service": "lambda.amazonaws.com"}]


# --- API ----------------------------------------------------------------------------------------


def test_three_routes_lead_to_the_one_function(graph: Graph) -> None:
    routes = graph.of(ROUTE)
    assert {r.inputs["routeKey"] for r in routes} == {"$connect", "$disconnect", "$default"}
    assert {r.inputs["target"] for r in routes} == {"integrations/websocket-integration-id"}
    integration = graph.one("aws:apigatewayv2/integration:Integration").inputs
    assert integration["integrationType"] == "AWS_PROXY"
    assert integration["integrationMethod"] == "POST"
    assert integration["integrationUri"].endswith("function:websocket-dev/invocations")


def test_routes_are_created_one_after_the_other(graph: Graph) -> None:
    # API Gateway responds with 409 ConflictException to routes that are created at the same time.
    urns = {route.urn for route in graph.of(ROUTE)}
    before = sorted(len(urns & graph.upstream(route)) for route in graph.of(ROUTE))
    assert before == [0, 1, 2]


def test_the_stage_waits_for_the_routes(graph: Graph) -> None:
    # An API without routes cannot be deployed.
    assert {r.urn for r in graph.of(ROUTE)} <= graph.upstream(graph.one(STAGE))


# --- outputs ------------------------------------------------------------------------------------


def test_the_stack_exports_its_outputs(graph: Graph) -> None:
    assert graph.outputs == {
        "WebSocketApiEndpoint": f"wss://{HOST}/prod",
        "ConnectionsTableName": "aes_websocket_connections-dev",
        "CounterTableName": "aes_counter_state-dev",
        "FunctionName": "websocket-dev",
        "WebsiteUrl": "https://d111111abcdef8.cloudfront.net/realtime-counter",
    }
