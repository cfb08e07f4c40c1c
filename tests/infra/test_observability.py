"""Watching: each part as it must be, and nothing of a part that is off."""

import json
from typing import Any

import pytest

from counter_service.infra import access_logs
from counter_service.runtime.contract import Metric

from .recorder import ACCOUNT, REGION, Graph, dev, record

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
DASHBOARD = "aws:cloudwatch/dashboard:Dashboard"
BUDGET = "aws:budgets/budget:Budget"
TOPIC = "aws:sns/topic:Topic"
TOPIC_POLICY = "aws:sns/topicPolicy:TopicPolicy"
SUBSCRIPTION = "aws:sns/topicSubscription:TopicSubscription"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
ACCOUNT_SETTINGS = "aws:apigateway/account:Account"
ATTACHMENT = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"
STAGE = "aws:apigatewayv2/stage:Stage"
FUNCTION = "aws:lambda/function:Function"

MAIL = "ops@example.com"
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT}:counter-alarms-dev"

# What each key adds to the graph, with the keys that it needs.
ADDED: dict[str, tuple[dict[str, str], list[str]]] = {
    "alarms": ({"alarms": "true"}, [ALARM] * 7),
    "alarmEmail": ({"alarmEmail": MAIL}, [SUBSCRIPTION, TOPIC, TOPIC_POLICY]),
    "dashboard": ({"dashboard": "true"}, [DASHBOARD]),
    "budgetUsd": (
        {"budgetUsd": "20", "alarmEmail": MAIL},
        [BUDGET, SUBSCRIPTION, TOPIC, TOPIC_POLICY],
    ),
    "tracing": ({"tracing": "true"}, []),
    "accessLogs": ({"accessLogs": "true"}, [LOG_GROUP]),
    "accountLoggingRole": (
        {"accountLoggingRole": "true"},
        [ACCOUNT_SETTINGS, "aws:iam/role:Role", ATTACHMENT],
    ),
}
EVERYTHING = {key: value for config, _ in ADDED.values() for key, value in config.items()}


@pytest.fixture(scope="module")
def graph() -> Graph:
    return record(**EVERYTHING)


def custom_types(graph: Graph) -> list[str]:
    return sorted(each.type for each in graph.resources if each.custom)


@pytest.mark.parametrize(("config", "added"), ADDED.values(), ids=ADDED)
def test_a_key_adds_its_own_and_nothing_else(config: dict[str, str], added: list[str]) -> None:
    assert custom_types(record(**config)) == sorted([*custom_types(dev()), *added])


def test_without_keys_there_is_not_even_a_component() -> None:
    components = {each.type.split(":")[-1] for each in dev().resources if not each.custom}
    assert not components & {"Observability", "AccessLogs", "AccountLogging", "CustomDomain"}


# --- topic --------------------------------------------------------------------------------------


def test_the_topic_mails_the_address(graph: Graph) -> None:
    assert graph.one(SUBSCRIPTION).inputs == {
        "topic": TOPIC_ARN,
        "protocol": "email",
        "endpoint": MAIL,
    }


def test_the_topic_is_not_encrypted_with_a_key_that_alarms_cannot_use(graph: Graph) -> None:
    assert "kmsMasterKeyId" not in graph.one(TOPIC).inputs


def test_alarms_and_budgets_of_this_account_may_publish(graph: Graph) -> None:
    policy = json.loads(graph.one(TOPIC_POLICY).inputs["policy"])
    assert graph.one(TOPIC_POLICY).inputs["arn"] == TOPIC_ARN
    assert {
        (s["Principal"]["Service"], *s["Action"], s["Resource"]) for s in policy["Statement"]
    } == {
        ("cloudwatch.amazonaws.com", "sns:Publish", TOPIC_ARN),
        ("budgets.amazonaws.com", "sns:Publish", TOPIC_ARN),
    }
    alarms, budgets = (statement["Condition"] for statement in policy["Statement"])
    assert alarms == {
        "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:*"}
    }
    assert budgets == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:budgets::{ACCOUNT}:*"},
    }


# --- alarms -------------------------------------------------------------------------------------

FUNCTION_NAME = {"FunctionName": "websocket-dev"}
API_STAGE = {"ApiId": "websocket-api-id", "Stage": "prod"}


@pytest.mark.parametrize(
    ("name", "namespace", "metric", "dimensions", "statistic", "threshold", "periods"),
    [
        ("function-errors", "AWS/Lambda", "Errors", FUNCTION_NAME, "Sum", 1, 1),
        ("function-throttles", "AWS/Lambda", "Throttles", FUNCTION_NAME, "Sum", 1, 1),
        ("function-slow", "AWS/Lambda", "Duration", FUNCTION_NAME, "p99", 16_000, 3),
        ("posts-forbidden", "CounterService", "Forbidden", FUNCTION_NAME, "Sum", 1, 1),
        ("failures", "CounterService", "Failures", FUNCTION_NAME, "Sum", 1, 1),
        ("api-execution-errors", "AWS/ApiGateway", "ExecutionError", API_STAGE, "Sum", 1, 1),
        ("api-integration-errors", "AWS/ApiGateway", "IntegrationError", API_STAGE, "Sum", 10, 3),
    ],
)  # fmt: skip
def test_an_alarm(
    graph: Graph,
    name: str,
    namespace: str,
    metric: str,
    dimensions: dict[str, str],
    statistic: str,
    threshold: float,
    periods: int,
) -> None:
    alarm = graph.one(ALARM, name).inputs
    assert alarm["name"] == f"counter-{name}-dev"
    assert (alarm["namespace"], alarm["metricName"]) == (namespace, metric)
    assert alarm["dimensions"] == dimensions
    assert (alarm.get("statistic"), alarm.get("extendedStatistic")) == (
        (None, statistic) if statistic == "p99" else (statistic, None)
    )
    assert alarm["comparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert (alarm["threshold"], alarm["evaluationPeriods"]) == (threshold, periods)


def test_the_slow_alarm_goes_with_the_timeout() -> None:
    graph = record(alarms="true", timeoutSeconds="25")
    assert graph.one(ALARM, "function-slow").inputs["threshold"] == 20_000


def test_an_alarm_is_quiet_at_night_and_says_what_to_do(graph: Graph) -> None:
    for alarm in graph.of(ALARM):
        assert alarm.inputs["treatMissingData"] == "notBreaching"
        assert alarm.inputs["period"] == 300
        assert alarm.inputs["alarmDescription"].endswith(".")


def test_alarms_tell_the_topic_when_there_is_one(graph: Graph) -> None:
    for alarm in graph.of(ALARM):
        assert alarm.inputs["alarmActions"] == alarm.inputs["okActions"] == [TOPIC_ARN]


def test_alarms_without_an_address_tell_nobody() -> None:
    for alarm in record(alarms="true").of(ALARM):
        assert not alarm.inputs.keys() & {"alarmActions", "okActions"}


# --- dashboard ----------------------------------------------------------------------------------


def widgets(graph: Graph) -> list[dict[str, Any]]:
    body: dict[str, Any] = json.loads(graph.one(DASHBOARD).inputs["dashboardBody"])
    assert body.keys() == {"widgets"}
    found: list[dict[str, Any]] = body["widgets"]
    return found


def test_the_dashboard_shows_all_that_is_counted(graph: Graph) -> None:
    shown = {
        (metric[0], metric[1])
        for widget in widgets(graph)
        for metric in widget["properties"]["metrics"]
    }
    assert {("CounterService", name) for name in Metric} <= shown
    assert {
        ("AWS/Lambda", "Duration"),
        ("AWS/Lambda", "Errors"),
        ("AWS/Lambda", "ConcurrentExecutions"),
        ("AWS/ApiGateway", "ConnectCount"),
        ("AWS/ApiGateway", "MessageCount"),
        ("AWS/DynamoDB", "ConsumedReadCapacityUnits"),
        ("AWS/DynamoDB", "ConsumedWriteCapacityUnits"),
        ("AWS/DynamoDB", "ReadThrottleEvents"),
        ("AWS/DynamoDB", "WriteThrottleEvents"),
    } <= shown


def test_lag_is_shown_in_percentiles(graph: Graph) -> None:
    [lag] = [w for w in widgets(graph) if w["properties"]["title"].startswith("Lag")]
    assert lag["properties"]["metrics"] == [
        ["CounterService", "Lag", "FunctionName", "websocket-dev", {"stat": each, "label": each}]
        for each in ("p50", "p99")
    ]


def test_widgets_fill_the_grid_without_covering_each_other(graph: Graph) -> None:
    cells: set[tuple[int, int]] = set()
    for widget in widgets(graph):
        assert widget["properties"]["region"] == REGION
        covered = {
            (widget["x"] + right, widget["y"] + down)
            for right in range(widget["width"])
            for down in range(widget["height"])
        }
        assert all(x < 24 for x, _ in covered)
        assert not cells & covered
        cells |= covered


def test_the_dashboard_is_within_the_free_ones(graph: Graph) -> None:
    """The first three of an account with at most 50 metrics each."""
    assert sum(len(widget["properties"]["metrics"]) for widget in widgets(graph)) <= 50


def test_a_dashboard_is_the_accounts_so_its_name_has_the_region(graph: Graph) -> None:
    assert graph.one(DASHBOARD).inputs["dashboardName"] == f"counter-dev-{REGION}"


# --- budget -------------------------------------------------------------------------------------


def test_the_budget_is_a_month_of_this_stack(graph: Graph) -> None:
    budget = graph.one(BUDGET).inputs
    assert (budget["budgetType"], budget["timeUnit"]) == ("COST", "MONTHLY")
    assert (budget["limitAmount"], budget["limitUnit"]) == ("20", "USD")
    assert budget["name"] == f"counter-budget-dev-{REGION}"
    tags = json.loads(graph.one("pulumi:providers:aws").inputs["defaultTags"])["tags"]
    filters = [each["tags"] for each in budget["filterExpression"]["ands"]]
    assert {each["key"]: each["values"] for each in filters} == {
        key: [value] for key, value in tags.items()
    }


def test_the_budget_tells_before_and_when_it_happens(graph: Graph) -> None:
    notifications = graph.one(BUDGET).inputs["notifications"]
    assert [(n["threshold"], n["notificationType"]) for n in notifications] == [
        (80, "FORECASTED"),
        (100, "ACTUAL"),
    ]
    for notification in notifications:
        assert notification["thresholdType"] == "PERCENTAGE"
        assert notification["comparisonOperator"] == "GREATER_THAN"
        assert notification["subscriberSnsTopicArns"] == [TOPIC_ARN]


def test_the_budget_waits_until_it_may_publish(graph: Graph) -> None:
    assert graph.one(TOPIC_POLICY).urn in graph.upstream(graph.one(BUDGET))


# --- tracing ------------------------------------------------------------------------------------


POLICY = "aws:iam/rolePolicy:RolePolicy"


def statements(graph: Graph) -> list[dict[str, Any]]:
    policy = json.loads(
        graph.one("aws:iam/rolePolicy:RolePolicy", "websocket-policy").inputs["policy"]
    )
    found: list[dict[str, Any]] = policy["Statement"]
    return found


def test_the_function_is_traced(graph: Graph) -> None:
    assert graph.one(FUNCTION).inputs["tracingConfig"] == {"mode": "Active"}
    [tracing] = [s for s in statements(graph) if s["Resource"] == "*"]
    assert tracing["Action"] == ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]


def test_a_function_that_is_not_traced_may_not_trace() -> None:
    assert dev().one(FUNCTION).inputs["tracingConfig"] == {"mode": "PassThrough"}
    assert [s for s in statements(dev()) if any("xray" in action for action in s["Action"])] == []


# --- access logs --------------------------------------------------------------------------------


def test_the_stage_writes_a_line_for_each_request(graph: Graph) -> None:
    group = graph.one(LOG_GROUP, "access-logs")
    assert group.inputs["name"] == "/aws/apigateway/websocket-api-dev/access"
    assert group.inputs["retentionInDays"] == 7
    logs = graph.one(STAGE).inputs["accessLogSettings"]
    assert logs["destinationArn"].endswith(":log-group:/aws/apigateway/websocket-api-dev/access")
    assert "\n" not in logs["format"]
    assert json.loads(logs["format"]) == access_logs.FIELDS


def test_the_line_has_what_an_operator_needs() -> None:
    variables = set(access_logs.FIELDS.values())
    assert {
        "$context.requestId",  # API Gateway refuses a format without it
        "$context.eventType",
        "$context.routeKey",
        "$context.status",
        "$context.connectionId",
        "$context.integrationLatency",
        "$context.error.message",
    } <= variables


@pytest.mark.parametrize(
    "private", ["identity", "sourceIp", "userAgent", "query", "authorizer", "domainName", "path"]
)
def test_the_line_has_nothing_of_the_person(private: str) -> None:
    assert [variable for variable in access_logs.FIELDS.values() if private in variable] == []


def test_without_access_logs_the_stage_has_none() -> None:
    assert "accessLogSettings" not in dev().one(STAGE).inputs


def test_the_stage_waits_for_the_accounts_logging_role(graph: Graph) -> None:
    account = graph.one(ACCOUNT_SETTINGS)
    assert account.urn in graph.upstream(graph.one(STAGE))
    assert graph.one(ATTACHMENT).urn in graph.upstream(account)
    role = graph.one("aws:iam/role:Role", "api-logging-role").inputs
    assert role["name"] == f"api-logging-dev-{REGION}"
    assert account.inputs["cloudwatchRoleArn"].endswith(f":role/{role['name']}")
    trust = json.loads(role["assumeRolePolicy"])["Statement"]
    assert [s["Principal"] for s in trust] == [{"Service": "apigateway.amazonaws.com"}]


@pytest.mark.parametrize(
    ("region", "partition"),
    [("eu-central-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov")],
)
def test_the_logging_role_has_awss_own_policy(region: str, partition: str) -> None:
    attachment = record(accountLoggingRole="true", region=region).one(ATTACHMENT).inputs
    assert attachment["policyArn"] == (
        f"arn:{partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
    )
