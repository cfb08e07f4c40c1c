"""A stack with every switch on, on the embedded AWS: the emulator has what the graph declares."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from counter_service.local.deployment import Deployment, deploy
from counter_service.local.emulator import MiniStack
from counter_service.paths import ROOT
from counter_service.program import qualified, stack_config
from tests.infra.recorder import OPT_IN, REGION

from .conftest import running

EVERYTHING = OPT_IN | {"accountLoggingRole": "true"}


@dataclass(frozen=True)
class Stack:
    emulator: MiniStack
    deployment: Deployment


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    config = stack_config("dev") | {qualified(key): value for key, value in EVERYTHING.items()}
    with MiniStack(REGION, tmp_path_factory.mktemp("stack")) as emulator:
        yield Stack(emulator, deploy(emulator, "dev", config))


def test_alarms_notify_the_topic_which_sends_mail(stack: Stack) -> None:
    sns = stack.emulator.client("sns")
    [topic] = sns.list_topics()["Topics"]
    alarms = stack.emulator.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert len(alarms) == 9
    for alarm in alarms:
        assert re.fullmatch(r"counter-[a-z-]+-dev", alarm["AlarmName"])
        assert alarm["AlarmActions"] == [topic["TopicArn"]]
    [slow] = [alarm for alarm in alarms if alarm["AlarmName"] == "counter-function-slow-dev"]
    assert slow["ExtendedStatistic"] == "p99"
    [subscription] = sns.list_subscriptions()["Subscriptions"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.com")
    attributes = sns.get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]
    statements = json.loads(attributes["Policy"])["Statement"]
    assert {statement["Sid"] for statement in statements} == {"Alarms", "Budgets"}


def test_stack_has_a_dashboard_and_a_budget(stack: Stack) -> None:
    dashboard = stack.emulator.client("cloudwatch").get_dashboard(
        DashboardName=f"counter-dev-{REGION}"
    )
    assert json.loads(dashboard["DashboardBody"])["widgets"]
    budgets = stack.emulator.client("budgets")
    budget = {
        "AccountId": stack.emulator.client("sts").get_caller_identity()["Account"],
        "BudgetName": f"counter-budget-dev-{REGION}",
    }
    limit = budgets.describe_budget(**budget)["Budget"]["BudgetLimit"]
    assert float(limit["Amount"]) == 20
    notifications = budgets.describe_notifications_for_budget(**budget)["Notifications"]
    assert {each["NotificationType"] for each in notifications} == {"FORECASTED", "ACTUAL"}


def test_counter_table_is_protected_and_both_tables_have_limits(stack: Stack) -> None:
    dynamodb = stack.emulator.client("dynamodb")
    counter = dynamodb.describe_table(TableName="aes_counter_state-dev")["Table"]
    connections = dynamodb.describe_table(TableName="aes_websocket_connections-dev")["Table"]
    assert counter["DeletionProtectionEnabled"]
    assert not connections["DeletionProtectionEnabled"]
    limits = {"MaxReadRequestUnits": 200, "MaxWriteRequestUnits": 50}
    assert counter["OnDemandThroughput"] == connections["OnDemandThroughput"] == limits
    backups = dynamodb.describe_continuous_backups(TableName="aes_counter_state-dev")
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"


def test_function_has_its_concurrency_and_tracing(stack: Stack) -> None:
    function = stack.emulator.client("lambda").get_function(FunctionName="websocket-dev")
    assert function["Concurrency"]["ReservedConcurrentExecutions"] == 20
    assert function["Configuration"]["TracingConfig"]["Mode"] == "Active"


def test_function_does_not_retry_its_self_invocation(stack: Stack) -> None:
    config = stack.emulator.client("lambda").get_function_event_invoke_config(
        FunctionName="websocket-dev"
    )
    assert config["MaximumRetryAttempts"] == 0
    assert config["MaximumEventAgeInSeconds"] == 60


def test_stage_and_account_write_logs(stack: Stack) -> None:
    gateway = stack.emulator.client("apigatewayv2")
    [api] = gateway.get_apis()["Items"]
    [stage] = gateway.get_stages(ApiId=api["ApiId"])["Items"]
    assert stage["AccessLogSettings"]["DestinationArn"].endswith("/websocket-api-dev/access")
    role = stack.emulator.client("apigateway").get_account()["cloudwatchRoleArn"]
    assert role.endswith(f":role/api-logging-dev-{REGION}")


def test_only_the_custom_domain_is_unsupported(stack: Stack) -> None:
    assert stack.deployment.outputs["WebSocketApiEndpoint"].startswith("ws://127.0.0.1:")
    assert stack.deployment.unsupported == [
        "counter-service:domainName ws.example.com",
        "counter-service:hostedZoneId Z0123AB",
    ]


def test_log_line_of_the_function_has_its_metrics(stack: Stack) -> None:
    event = json.loads((ROOT / "tests/events/connect.json").read_text(encoding="utf-8"))
    event["headers"]["Origin"] = "http://localhost:5173"
    event["multiValueHeaders"]["Origin"] = ["http://localhost:5173"]
    response = stack.emulator.client("lambda").invoke(
        FunctionName="websocket-dev", Payload=json.dumps(event), LogType="Tail"
    )
    log = base64.b64decode(response["LogResult"]).decode()
    [document] = [json.loads(line) for line in log.splitlines() if '"_aws"' in line]
    [directive] = document["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "CounterService"
    assert (document["FunctionName"], document["Connects"]) == ("websocket-dev", 1)
    assert document["message"] == "connect"


def test_prod_stack_runs_on_the_embedded_aws(tmp_path: Path) -> None:
    with running(tmp_path, "--stack", "prod") as product:
        cloudwatch = product.aws("cloudwatch")
        alarms = cloudwatch.describe_alarms()["MetricAlarms"]
        assert {alarm["AlarmName"].rpartition("-")[2] for alarm in alarms} == {"prod"}
        assert cloudwatch.list_dashboards()["DashboardEntries"]
        assert "aws:cloudwatch" not in (tmp_path / "terminal.txt").read_text(encoding="utf-8")
