"""Monitoring: the resources of each key, and what each of them contains."""

import json
import re
from typing import Any

import pytest

from counter_service.infra import access_logs
from counter_service.program import stack_config
from counter_service.runtime.contract import Metric

from .recorder import ACCOUNT, REGION, Graph, dev, record, run

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
ROLE_POLICY = "aws:iam/rolePolicy:RolePolicy"

MAIL = "ops@example.com"
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT}:counter-alarms-dev"

# The resources that each key adds to the graph, with the keys that it needs.
ADDED: dict[str, tuple[dict[str, str], list[str]]] = {
    "alarms": ({"alarms": "true"}, [ALARM] * 9),
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
def test_a_monitoring_key_adds_only_its_own_resources(
    config: dict[str, str], added: list[str]
) -> None:
    assert custom_types(record(**config)) == sorted([*custom_types(dev()), *added])


# --- topic --------------------------------------------------------------------------------------


def test_the_topic_sends_e_mail_to_the_address(graph: Graph) -> None:
    assert graph.one(SUBSCRIPTION).inputs == {
        "topic": TOPIC_ARN,
        "protocol": "email",
        "endpoint": MAIL,
    }
    # Alarms may not use the free key, aws/sns.
    assert "kmsMasterKeyId" not in graph.one(TOPIC).inputs


def test_the_topic_admits_alarms_and_budgets_of_this_account(graph: Graph) -> None:
    policy = json.loads(graph.one(TOPIC_POLICY).inputs["policy"])
    assert graph.one(TOPIC_POLICY).inputs["arn"] == TOPIC_ARN
    assert [
        (s["Principal"]["Service"], *s["Action"], s["Resource"], s["Condition"])
        for s in policy["Statement"]
    ] == [
        (
            "cloudwatch.amazonaws.com",
            "sns:Publish",
            TOPIC_ARN,
            {"ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:*"}},
        ),
        (
            "budgets.amazonaws.com",
            "sns:Publish",
            TOPIC_ARN,
            {
                "StringEquals": {"aws:SourceAccount": ACCOUNT},
                "ArnLike": {"aws:SourceArn": f"arn:aws:budgets::{ACCOUNT}:*"},
            },
        ),
    ]


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
        ("posts-throttled", "CounterService", "Throttled", FUNCTION_NAME, "Sum", 100, 3),
        ("failures", "CounterService", "Failures", FUNCTION_NAME, "Sum", 1, 1),
        ("api-execution-errors", "AWS/ApiGateway", "ExecutionError", API_STAGE, "Sum", 1, 1),
        ("api-integration-errors", "AWS/ApiGateway", "IntegrationError", API_STAGE, "Sum", 10, 3),
        # Half of 5,000 posts a second, in 300 s.
        ("api-messages", "AWS/ApiGateway", "MessageCount", API_STAGE, "Sum", 750_000, 3),
    ],
)  # fmt: skip
def test_an_alarm_watches_its_metric_and_notifies_the_topic(
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
    assert (alarm["period"], alarm["treatMissingData"]) == (300, "notBreaching")
    assert alarm["alarmActions"] == alarm["okActions"] == [TOPIC_ARN]
    assert re.fullmatch(r"([A-Z@][^.]+\.){2,3}", alarm["alarmDescription"].replace(". ", "."))


def test_the_slow_alarm_has_its_threshold_from_the_timeout() -> None:
    graph = record(alarms="true", timeoutSeconds="25")
    assert graph.one(ALARM, "function-slow").inputs["threshold"] == 20_000


@pytest.mark.parametrize(
    ("posts_per_second", "threshold", "usd_per_day"), [("1000", 150_000, 43), ("100", 15_000, 4)]
)
def test_the_message_alarm_has_its_threshold_and_its_price_from_the_limit_of_posts(
    posts_per_second: str, threshold: int, usd_per_day: int
) -> None:
    graph = record(alarms="true", postsPerSecond=posts_per_second)
    alarm = graph.one(ALARM, "api-messages").inputs
    assert alarm["threshold"] == threshold
    assert f"costs ${usd_per_day} or more a day" in alarm["alarmDescription"]


def test_alarms_without_an_address_have_no_actions() -> None:
    for alarm in record(alarms="true").of(ALARM):
        assert not alarm.inputs.keys() & {"alarmActions", "okActions"}


@pytest.mark.parametrize(
    ("config", "warnings"),
    [
        (
            {"alarms": "true"},
            [
                (
                    "alarms is true and alarmEmail is empty, so no notifications are sent. Set "
                    "alarmEmail, or watch the alarms in CloudWatch."
                )
            ],
        ),
        ({"alarms": "true", "alarmEmail": MAIL}, []),
        ({}, []),
    ],
)
def test_alarms_without_an_address_are_deployed_with_a_warning(
    config: dict[str, str], warnings: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    keys = {f"counter-service:{key}": value for key, value in config.items()}
    run("dev", stack_config("dev") | keys)
    assert [each.message for each in caplog.records if each.levelname == "WARNING"] == warnings


# --- dashboard ----------------------------------------------------------------------------------


def widgets(graph: Graph) -> list[dict[str, Any]]:
    body: dict[str, Any] = json.loads(graph.one(DASHBOARD).inputs["dashboardBody"])
    assert body.keys() == {"widgets"}
    found: list[dict[str, Any]] = body["widgets"]
    return found


def test_the_dashboard_shows_every_metric_of_the_runtime_and_of_each_service(graph: Graph) -> None:
    metrics = [each for widget in widgets(graph) for each in widget["properties"]["metrics"]]
    assert {name for namespace, name, *_ in metrics if namespace == "CounterService"} == set(Metric)
    assert {namespace for namespace, *_ in metrics} == {
        *("CounterService", "AWS/Lambda", "AWS/ApiGateway", "AWS/DynamoDB")
    }


def test_the_dashboard_shows_lag_in_percentiles(graph: Graph) -> None:
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


def test_the_dashboard_is_small_enough_to_be_free(graph: Graph) -> None:
    """The first three dashboards of an account are free, with at most 50 metrics each."""
    assert sum(len(widget["properties"]["metrics"]) for widget in widgets(graph)) <= 50


def test_the_dashboard_has_the_region_in_its_name(graph: Graph) -> None:
    assert graph.one(DASHBOARD).inputs["dashboardName"] == f"counter-dev-{REGION}"


# --- budget -------------------------------------------------------------------------------------


def test_the_budget_counts_a_month_of_this_stack(graph: Graph) -> None:
    budget = graph.one(BUDGET).inputs
    assert (budget["budgetType"], budget["timeUnit"]) == ("COST", "MONTHLY")
    assert (budget["limitAmount"], budget["limitUnit"]) == ("20", "USD")
    assert budget["name"] == f"counter-budget-dev-{REGION}"
    tags = json.loads(graph.one("pulumi:providers:aws").inputs["defaultTags"])["tags"]
    filters = [each["tags"] for each in budget["filterExpression"]["ands"]]
    assert {each["key"]: each["values"] for each in filters} == {
        key: [value] for key, value in tags.items()
    }


def test_the_budget_notifies_the_topic_of_its_forecast_and_of_its_actual_spend(
    graph: Graph,
) -> None:
    budget = graph.one(BUDGET)
    shared = {
        "comparisonOperator": "GREATER_THAN",
        "thresholdType": "PERCENTAGE",
        "subscriberSnsTopicArns": [TOPIC_ARN],
    }
    assert budget.inputs["notifications"] == [
        shared | {"threshold": 80, "notificationType": "FORECASTED"},
        shared | {"threshold": 100, "notificationType": "ACTUAL"},
    ]
    assert graph.one(TOPIC_POLICY).urn in graph.upstream(budget)  # it must be allowed to publish


# --- tracing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tracing", "mode", "actions"),
    [
        ("true", "Active", ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]),
        ("false", "PassThrough", []),  # explicit, or the provider keeps the previous mode
    ],
)
def test_the_function_is_traced_and_may_trace_only_with_the_key(
    tracing: str, mode: str, actions: list[str]
) -> None:
    graph = record(tracing=tracing)
    assert graph.one(FUNCTION).inputs["tracingConfig"] == {"mode": mode}
    policy = json.loads(graph.one(ROLE_POLICY, "websocket-policy").inputs["policy"])
    everywhere = [s["Action"] for s in policy["Statement"] if s["Resource"] == "*"]
    assert [action for each in everywhere for action in each] == actions
    assert policy["Statement"][-1]["Sid"] == ("Tracing" if actions else "Logs")


# --- access logs --------------------------------------------------------------------------------


def test_the_stage_logs_one_line_for_each_request(graph: Graph) -> None:
    group = graph.one(LOG_GROUP, "access-logs")
    assert group.inputs["name"] == "/aws/apigateway/websocket-api-dev/access"
    assert group.inputs["retentionInDays"] == 7
    logs = graph.one(STAGE).inputs["accessLogSettings"]
    assert logs["destinationArn"].endswith(":log-group:/aws/apigateway/websocket-api-dev/access")
    assert "\n" not in logs["format"]
    assert json.loads(logs["format"]) == access_logs.FIELDS


def test_an_access_log_line_has_the_fields_that_an_operator_needs() -> None:
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
def test_an_access_log_line_has_no_personal_data(private: str) -> None:
    assert [variable for variable in access_logs.FIELDS.values() if private in variable] == []


def test_the_stage_without_the_key_has_no_access_logs() -> None:
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


def test_the_logging_role_has_the_policy_of_aws(graph: Graph) -> None:
    assert graph.one(ATTACHMENT).inputs["policyArn"] == (
        "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
    )
