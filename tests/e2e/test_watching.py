"""A stack with everything that watches it, on the embedded AWS."""

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from counter_service.local.deployment import Deployment, deploy
from counter_service.local.emulator import MiniStack
from counter_service.paths import ROOT
from counter_service.program import stack_config

from .conftest import running

REGION = "eu-central-1"
EVERYTHING = {
    **dict.fromkeys(
        (
            *("alarms", "dashboard", "tracing", "accessLogs", "accountLoggingRole", "keepData"),
            *("allowLocalhost", "allowMissingOrigin"),
        ),
        "true",
    ),
    "alarmEmail": "ops@example.com",
    "budgetUsd": "20",
    "reservedConcurrency": "20",
    "snapStart": "true",
    "tableMaxReadUnits": "200",
    "tableMaxWriteUnits": "50",
    "domainName": "ws.example.com",
    "hostedZoneId": "Z0123AB",
}


class Watched:
    """The deployed stack and its account."""

    def __init__(self, emulator: MiniStack, deployment: Deployment) -> None:
        self.emulator = emulator
        self.deployment = deployment

    def client(self, service: str) -> Any:
        return self.emulator.session().client(service, endpoint_url=self.emulator.endpoint)

    @property
    def account(self) -> str:
        found: str = self.client("sts").get_caller_identity()["Account"]
        return found


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    config = stack_config("dev") | {
        f"counter-service:{key}": value for key, value in EVERYTHING.items()
    }
    log = tmp_path_factory.mktemp("watched") / "ministack.log"
    with MiniStack(REGION, log) as emulator:
        yield Watched(emulator, deploy(emulator, "dev", config))


def test_alarms_tell_the_topic(watched: Watched) -> None:
    [topic] = watched.client("sns").list_topics()["Topics"]
    alarms = watched.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert len(alarms) == 7
    for alarm in alarms:
        assert re.fullmatch(r"counter-[a-z-]+-dev", alarm["AlarmName"])
        assert alarm["AlarmActions"] == [topic["TopicArn"]]
    [slow] = [alarm for alarm in alarms if alarm["AlarmName"] == "counter-function-slow-dev"]
    assert slow["ExtendedStatistic"] == "p99"


def test_the_topic_mails_and_admits_who_may_publish(watched: Watched) -> None:
    sns = watched.client("sns")
    [topic] = sns.list_topics()["Topics"]
    [subscription] = sns.list_subscriptions()["Subscriptions"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.com")
    policy = json.loads(
        sns.get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]["Policy"]
    )
    assert {statement["Sid"] for statement in policy["Statement"]} == {"Alarms", "Budgets"}


def test_the_dashboard_is_there(watched: Watched) -> None:
    dashboard = watched.client("cloudwatch").get_dashboard(DashboardName=f"counter-dev-{REGION}")
    assert json.loads(dashboard["DashboardBody"])["widgets"]


def test_the_budget_is_there(watched: Watched) -> None:
    budgets = watched.client("budgets")
    name = f"counter-budget-dev-{REGION}"
    budget = budgets.describe_budget(AccountId=watched.account, BudgetName=name)["Budget"]
    assert float(budget["BudgetLimit"]["Amount"]) == 20
    notifications = budgets.describe_notifications_for_budget(
        AccountId=watched.account, BudgetName=name
    )["Notifications"]
    assert {each["NotificationType"] for each in notifications} == {"FORECASTED", "ACTUAL"}


def test_the_counter_is_kept_and_both_tables_are_limited(watched: Watched) -> None:
    dynamodb = watched.client("dynamodb")
    counter = dynamodb.describe_table(TableName="aes_counter_state-dev")["Table"]
    connections = dynamodb.describe_table(TableName="aes_websocket_connections-dev")["Table"]
    assert counter["DeletionProtectionEnabled"]
    assert not connections["DeletionProtectionEnabled"]
    for table in (counter, connections):
        assert table["OnDemandThroughput"] == {
            "MaxReadRequestUnits": 200,
            "MaxWriteRequestUnits": 50,
        }
    backups = dynamodb.describe_continuous_backups(TableName="aes_counter_state-dev")
    recovery = backups["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
    assert recovery["PointInTimeRecoveryStatus"] == "ENABLED"


def test_the_function_is_limited_and_traced(watched: Watched) -> None:
    function = watched.client("lambda").get_function(FunctionName="websocket-dev")
    assert function["Concurrency"]["ReservedConcurrentExecutions"] == 20
    assert function["Configuration"]["TracingConfig"]["Mode"] == "Active"


def test_the_stage_logs_and_the_account_may(watched: Watched) -> None:
    gateway = watched.client("apigatewayv2")
    [api] = gateway.get_apis()["Items"]
    [stage] = gateway.get_stages(ApiId=api["ApiId"])["Items"]
    assert stage["AccessLogSettings"]["DestinationArn"].endswith("/websocket-api-dev/access")
    role = watched.client("apigateway").get_account()["cloudwatchRoleArn"]
    assert role.endswith(f":role/api-logging-dev-{REGION}")


def test_a_domain_of_its_own_is_left_out_and_said(watched: Watched) -> None:
    assert watched.deployment.outputs["WebSocketApiEndpoint"].startswith("ws://127.0.0.1:")
    left_out = watched.deployment.unsupported
    assert "counter-service:domainName ws.example.com" in left_out
    held = ("aws:budgets", "aws:cloudwatch", "aws:sns", "aws:apigateway/", "aws:iam")
    assert [each for each in left_out if each.startswith(held)] == []


def test_the_functions_log_carries_its_metrics(watched: Watched) -> None:
    event = json.loads((ROOT / "tests/events/connect.json").read_text())
    event["headers"]["Origin"] = "http://localhost:5173"
    event["multiValueHeaders"]["Origin"] = ["http://localhost:5173"]
    answer = watched.client("lambda").invoke(
        FunctionName="websocket-dev",
        Payload=json.dumps(event),
        LogType="Tail",
    )
    log = base64.b64decode(answer["LogResult"]).decode()
    [document] = [json.loads(line) for line in log.splitlines() if '"_aws"' in line]
    [directive] = document["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "CounterService"
    assert (document["FunctionName"], document["Connects"]) == ("websocket-dev", 1)
    assert document["message"] == "connect"


def test_the_prod_stack_runs_here(tmp_path: Path) -> None:
    with running(tmp_path, "--stack", "prod") as product:
        cloudwatch = boto3.client(
            "cloudwatch",
            endpoint_url="http://" + product.url.split("/")[2],
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        alarms = cloudwatch.describe_alarms()["MetricAlarms"]
        assert {alarm["AlarmName"].rpartition("-")[2] for alarm in alarms} == {"prod"}
        assert cloudwatch.list_dashboards()["DashboardEntries"]
        terminal = (tmp_path / "terminal.txt").read_text()
        assert "aws:cloudwatch" not in terminal
