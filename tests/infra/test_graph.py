"""The whole `__main__.py` against mocks, and what must hold for every resource in it."""

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from counter_service.infra import bundle
from counter_service.runtime import contract

from .recorder import ACCOUNT, REGION, Graph, Resource, dev, record

TABLE = "aws:dynamodb/table:Table"
FUNCTION = "aws:lambda/function:Function"
POLICY = "aws:iam/rolePolicy:RolePolicy"
ROUTE = "aws:apigatewayv2/route:Route"
STAGE = "aws:apigatewayv2/stage:Stage"
API_ARN = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:a1b2c3d4e5"


@pytest.fixture(scope="module")
def graph() -> Graph:
    return dev()


# Everything that is off by default, and not the account's.
WATCHED = {
    **dict.fromkeys(("alarms", "dashboard", "tracing", "accessLogs", "keepData"), "true"),
    "alarmEmail": "ops@example.com",
    "budgetUsd": "20",
    "reservedConcurrency": "20",
    "tableMaxReadUnits": "200",
    "tableMaxWriteUnits": "50",
    "domainName": "ws.example.com",
    "hostedZoneId": "Z0123AB",
}


@pytest.fixture(scope="module")
def watched() -> Graph:
    return record(**WATCHED)


# --- what must hold everywhere ------------------------------------------------------------------


def physical_name(resource: Resource) -> str:
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
    "carries the stack in its physical name": lambda _, resource: (
        not resource.type.startswith("aws:")
        or not physical_name(resource)
        or "-dev" in physical_name(resource)
    ),
}


@pytest.mark.parametrize("rule", INVARIANTS)
def test_every_resource(graph: Graph, watched: Graph, rule: str) -> None:
    holds = INVARIANTS[rule]
    for each in (graph, watched):
        assert [r for r in each.resources if not holds(each, r)] == []


def test_the_graph_is_exactly_these_resources(graph: Graph) -> None:
    assert sorted(f"{r.type.split(':')[-1]} {r.name}" for r in graph.resources if r.custom) == [
        "Api websocket-api",
        "Bucket website-bucket",
        "BucketObjectv2 website/assets/index-BkQ_4f-x.css",
        "BucketObjectv2 website/assets/index-RP0Vahn5.js",
        "BucketObjectv2 website/config.json",
        "BucketObjectv2 website/favicon.svg",
        "BucketObjectv2 website/index.html",
        "BucketOwnershipControls website-ownership",
        "BucketPolicy website-policy",
        "BucketPublicAccessBlock website-private",
        "BucketServerSideEncryptionConfiguration website-encryption",
        "Distribution website-distribution",
        "Function website-route",
        "Function websocket",
        "FunctionRecursionConfig websocket-recursion",
        "Integration websocket-integration",
        "LogGroup websocket-logs",
        "OriginAccessControl website-access",
        "Permission websocket-permission",
        "ResponseHeadersPolicy website-headers",
        "Role websocket-role",
        "RolePolicy websocket-hand-over-policy",
        "RolePolicy websocket-policy",
        "Route websocket-route-connect",
        "Route websocket-route-default",
        "Route websocket-route-disconnect",
        "Stage websocket-stage",
        "Table aes_counter_state",
        "Table aes_websocket_connections",
        "aws aws",
    ]


def test_provider_has_the_region_and_tags_everything(graph: Graph) -> None:
    provider = graph.one("pulumi:providers:aws")
    assert provider.inputs["region"] == REGION
    assert json.loads(provider.inputs["defaultTags"]) == {
        "tags": {"project": "counter-service", "stack": "dev"}
    }


# --- tables -------------------------------------------------------------------------------------


def test_connections_table_expires_its_rows(graph: Graph) -> None:
    table = graph.one(TABLE, "aes_websocket_connections").inputs
    assert table["hashKey"] == contract.CONNECTION_KEY
    assert table["attributes"] == [{"name": contract.CONNECTION_KEY, "type": "S"}]
    assert table["ttl"] == {"attributeName": contract.EXPIRES_AT, "enabled": True}
    assert contract.CONNECTION_TTL_SECONDS == 2 * 60 * 60


def test_counter_table_keeps_its_rows(graph: Graph) -> None:
    table = graph.one(TABLE, "aes_counter_state").inputs
    assert table["hashKey"] == contract.COUNTER_KEY
    assert table["attributes"] == [{"name": contract.COUNTER_KEY, "type": "S"}]
    # What expires are the rows of single clicks: the counter's own have no such attribute
    # (tests/contracts/test_counter_store.py).
    assert table["ttl"] == {"attributeName": contract.EXPIRES_AT, "enabled": True}


def test_tables_are_paid_per_request(graph: Graph) -> None:
    assert [t.inputs["billingMode"] for t in graph.of(TABLE)] == ["PAY_PER_REQUEST"] * 2


# --- function -----------------------------------------------------------------------------------


def test_one_function_on_current_cheap_hardware(graph: Graph) -> None:
    function = graph.one(FUNCTION).inputs
    assert function["architectures"] == ["arm64"]
    assert function["runtime"] in {"python3.13", "python3.14"}
    assert function["handler"] == contract.HANDLER


def test_function_gets_what_its_settings_read(graph: Graph) -> None:
    assert graph.one(FUNCTION).inputs["environment"]["variables"] == {
        "CONNECTIONS_TABLE": "aes_websocket_connections-dev",
        "COUNTER_TABLE": "aes_counter_state-dev",
        "MANAGEMENT_ENDPOINT": f"https://a1b2c3d4e5.execute-api.{REGION}.amazonaws.com/prod",
        "ALLOW_LOCALHOST": "true",
        "ALLOW_MISSING_ORIGIN": "true",
        "ALLOWED_ORIGINS": "https://d111111abcdef8.cloudfront.net",  # the stack's own site
        "BROADCAST_INTERVAL_MS": "0",
        "CLICKS_PER_SECOND": "0",
        "COUNTER_SHARDS": "1",
    }


def test_function_ships_the_listed_files(graph: Graph) -> None:
    archive = graph.one(FUNCTION).inputs["code"]
    assert isinstance(archive, pulumi.AssetArchive)
    assert sorted(archive.assets) == sorted(bundle.FILES)


def test_function_waits_for_its_rights_and_its_log_group(graph: Graph) -> None:
    upstream = graph.upstream(graph.one(FUNCTION))
    assert graph.one(POLICY, "websocket-policy").urn in upstream
    assert graph.one("aws:cloudwatch/logGroup:LogGroup").urn in upstream


def test_logs_are_kept_for_the_configured_time_only(graph: Graph) -> None:
    group = graph.one("aws:cloudwatch/logGroup:LogGroup").inputs
    assert group["name"] == "/aws/lambda/websocket-dev"
    assert group["retentionInDays"] == 7
    logging = graph.one(FUNCTION).inputs["loggingConfig"]
    assert logging == {"logFormat": "JSON", "logGroup": "/aws/lambda/websocket-dev"}


def test_role_allows_what_the_function_needs_and_no_more(graph: Graph) -> None:
    policy = json.loads(graph.one(POLICY, "websocket-policy").inputs["policy"])
    tables = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table"
    logs = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/websocket-dev:*"
    assert {s["Resource"]: s["Action"] for s in policy["Statement"]} == {
        f"{tables}/aes_websocket_connections-dev": [
            "dynamodb:DeleteItem",
            "dynamodb:PutItem",
            "dynamodb:Scan",
        ],
        f"{tables}/aes_counter_state-dev": [
            "dynamodb:BatchGetItem",
            "dynamodb:GetItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
        ],
        f"{API_ARN}/prod/POST/@connections/*": ["execute-api:ManageConnections"],
        logs: ["logs:CreateLogStream", "logs:PutLogEvents"],
    }


def test_role_is_assumed_by_lambda_alone(graph: Graph) -> None:
    role = json.loads(graph.one("aws:iam/role:Role").inputs["assumeRolePolicy"])
    assert [s["Principal"] for s in role["Statement"]] == [{"Service": "lambda.amazonaws.com"}]


def test_the_function_is_not_published_as_versions(graph: Graph) -> None:
    """Each would be kept until it is deleted by hand (docs/adr/0018)."""
    assert not graph.one(FUNCTION).inputs.keys() & {"publish", "snapStart"}


def test_a_broadcast_that_is_handed_over_again_and_again_is_no_loop(graph: Graph) -> None:
    recursion = graph.one("aws:lambda/functionRecursionConfig:FunctionRecursionConfig").inputs
    assert recursion == {"functionName": "websocket-dev", "recursiveLoop": "Allow"}


# --- API ----------------------------------------------------------------------------------------


def test_api_is_a_websocket_api(graph: Graph) -> None:
    api = graph.one("aws:apigatewayv2/api:Api").inputs
    assert api["protocolType"] == "WEBSOCKET"
    assert api["routeSelectionExpression"] == "$request.body.action"


def test_three_routes_lead_to_the_one_function(graph: Graph) -> None:
    routes = graph.of(ROUTE)
    assert {r.inputs["routeKey"] for r in routes} == {"$connect", "$disconnect", "$default"}
    assert {r.inputs["target"] for r in routes} == {"integrations/websocket-integration-id"}
    integration = graph.one("aws:apigatewayv2/integration:Integration").inputs
    assert integration["integrationType"] == "AWS_PROXY"
    assert integration["integrationMethod"] == "POST"
    assert integration["integrationUri"].endswith("function:websocket-dev/invocations")


def test_routes_are_created_one_after_the_other(graph: Graph) -> None:
    # Created at the same time they answer 409 ConflictException to each other.
    urns = {route.urn for route in graph.of(ROUTE)}
    before = sorted(len(urns & graph.upstream(route)) for route in graph.of(ROUTE))
    assert before == [0, 1, 2]


def test_stage_comes_after_the_routes(graph: Graph) -> None:
    # An API without routes cannot be deployed.
    assert {r.urn for r in graph.of(ROUTE)} <= graph.upstream(graph.one(STAGE))


def test_stage_deploys_itself_and_always_has_both_limits(graph: Graph) -> None:
    stage = graph.one(STAGE).inputs
    assert stage["name"] == "prod"
    assert stage["autoDeploy"] is True
    # One without the other is a limit of zero: 429 for every message.
    assert stage["defaultRouteSettings"] == {
        "throttlingRateLimit": 100,
        "throttlingBurstLimit": 50,
    }
    assert graph.of("aws:apigatewayv2/deployment:Deployment") == []


def test_only_this_api_may_call_the_function(graph: Graph) -> None:
    permission = graph.one("aws:lambda/permission:Permission").inputs
    assert permission["principal"] == "apigateway.amazonaws.com"
    assert permission["action"] == "lambda:InvokeFunction"
    assert permission["sourceArn"] == f"{API_ARN}/prod/*"
    assert permission["function"] == "websocket-dev"


# --- configuration and outputs ------------------------------------------------------------------


def test_outputs(graph: Graph) -> None:
    assert graph.outputs == {
        "WebSocketApiEndpoint": f"wss://a1b2c3d4e5.execute-api.{REGION}.amazonaws.com/prod",
        "ConnectionsTableName": "aes_websocket_connections-dev",
        "CounterTableName": "aes_counter_state-dev",
        "FunctionName": "websocket-dev",
        "WebsiteUrl": "https://d111111abcdef8.cloudfront.net/realtime-counter",
    }


@pytest.mark.parametrize(
    ("key", "value", "type_", "path", "expected"),
    [
        ("region", "us-west-2", "pulumi:providers:aws", "region", "us-west-2"),
        ("stageName", "live", STAGE, "name", "live"),
        ("throttleRate", "7", STAGE, "defaultRouteSettings.throttlingRateLimit", 7),
        ("throttleBurst", "3", STAGE, "defaultRouteSettings.throttlingBurstLimit", 3),
        ("memoryMb", "256", FUNCTION, "memorySize", 256),
        ("timeoutSeconds", "25", FUNCTION, "timeout", 25),
        (
            "broadcastIntervalMs",
            "50",
            FUNCTION,
            "environment.variables.BROADCAST_INTERVAL_MS",
            "50",
        ),
        ("counterShards", "4", FUNCTION, "environment.variables.COUNTER_SHARDS", "4"),
        ("logRetentionDays", "90", "aws:cloudwatch/logGroup:LogGroup", "retentionInDays", 90),
    ],
)
def test_configuration_reaches_its_resource(
    key: str, value: str, type_: str, path: str, expected: object
) -> None:
    found: Any = record(**{key: value}).one(type_).inputs
    for step in path.split("."):
        found = found[step]
    assert found == expected


def test_stage_name_reaches_everything_that_names_the_stage() -> None:
    graph = record(stageName="live")
    environment = graph.one(FUNCTION).inputs["environment"]["variables"]
    assert environment["MANAGEMENT_ENDPOINT"].endswith("/live")
    assert graph.one("aws:lambda/permission:Permission").inputs["sourceArn"].endswith("/live/*")
    assert "/live/POST/@connections/*" in graph.one(POLICY, "websocket-policy").inputs["policy"]
    assert graph.outputs["WebSocketApiEndpoint"].endswith("/live")


def _domain(resource: Resource) -> str:
    # A distribution's is CloudFront's, not ours.
    own = not resource.type.startswith("aws:cloudfront/")
    return str(resource.inputs.get("domainName", "")) if own else ""


def test_two_stacks_fit_in_one_account(watched: Graph) -> None:
    other = record(stack="other", **WATCHED | {"domainName": "other.example.com"})

    def names(each: Graph) -> set[tuple[str, str]]:
        ours = (r for r in each.resources if r.type.startswith("aws:"))
        return {(r.type, physical_name(r) or _domain(r)) for r in ours} - {
            (r.type, "") for r in each.resources
        }

    assert names(watched)
    assert not names(watched) & names(other)


def test_what_belongs_to_the_account_is_opt_in(watched: Graph) -> None:
    assert watched.of("aws:apigateway/account:Account") == []
    assert len(record(accountLoggingRole="true").of("aws:apigateway/account:Account")) == 1


def test_names_stay_within_what_aws_takes() -> None:
    """IAM and Lambda end at 64 characters, budgets at 100, whatever the stack is called."""
    longest = record(stack="x" * 32, **WATCHED, accountLoggingRole="true", region="ap-southeast-1")
    limits = {"aws:iam/role:Role": 64, FUNCTION: 64, "aws:budgets/budget:Budget": 100}
    for resource in longest.resources:
        assert len(physical_name(resource)) <= limits.get(resource.type, 255), resource
