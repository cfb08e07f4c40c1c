"""Creators of what watches a stack: topic, alarms, dashboard, budget, logging role.

The emulator holds them and answers for them. It evaluates no alarm and sends no mail.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .resources import Created, EmulatedAws, Inputs


def create_topic(aws: "EmulatedAws", inputs: "Inputs") -> "Created":
    arn = aws.client("sns").create_topic(Name=inputs["name"])["TopicArn"]
    return arn, {"arn": arn}


def create_topic_policy(aws: "EmulatedAws", inputs: "Inputs") -> "Created":
    aws.client("sns").set_topic_attributes(
        TopicArn=inputs["arn"], AttributeName="Policy", AttributeValue=inputs["policy"]
    )
    return inputs["arn"], {}


def create_subscription(aws: "EmulatedAws", inputs: "Inputs") -> "Created":
    arn = aws.client("sns").subscribe(
        TopicArn=inputs["topic"],
        Protocol=inputs["protocol"],
        Endpoint=inputs["endpoint"],
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    return arn, {"arn": arn}


def create_alarm(aws: "EmulatedAws", inputs: "Inputs") -> "Created":
    client = aws.client("cloudwatch")
    name = inputs["name"]
    statistic = (
        {"Statistic": inputs["statistic"]}
        if "statistic" in inputs
        else {"ExtendedStatistic": inputs["extendedStatistic"]}
    )
    client.put_metric_alarm(
        AlarmName=name,
        AlarmDescription=inputs["alarmDescription"],
        Namespace=inputs["namespace"],
        MetricName=inputs["metricName"],
        Dimensions=[{"Name": key, "Value": value} for key, value in inputs["dimensions"].items()],
        Period=int(inputs["period"]),
        EvaluationPeriods=int(inputs["evaluationPeriods"]),
        Threshold=inputs["threshold"],
        ComparisonOperator=inputs["comparisonOperator"],
        TreatMissingData=inputs["treatMissingData"],
        AlarmActions=inputs.get("alarmActions", []),
        OKActions=inputs.get("okActions", []),
        **statistic,
    )
    alarm = client.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    return name, {"arn": alarm["AlarmArn"]}


def create_dashboard(aws: "EmulatedAws", inputs: "Inputs") -> "Created":
    client = aws.client("cloudwatch")
    name = inputs["dashboardName"]
    client.put_dashboard(DashboardName=name, DashboardBody=inputs["dashboardBody"])
    return name, {"dashboardArn": client.get_dashboard(DashboardName=name)["DashboardArn"]}


def create_budget(aws: "EmulatedAws", inputs: "Inputs") -> "Created":
    account = aws.client("sts").get_caller_identity()["Account"]
    aws.client("budgets").create_budget(
        AccountId=account,
        Budget={
            "BudgetName": inputs["name"],
            "BudgetType": inputs["budgetType"],
            "TimeUnit": inputs["timeUnit"],
            "BudgetLimit": {"Amount": inputs["limitAmount"], "Unit": inputs["limitUnit"]},
            "Metrics": [inputs["metrics"]],
            "FilterExpression": {
                "And": [
                    {"Tags": {"Key": each["tags"]["key"], "Values": each["tags"]["values"]}}
                    for each in inputs["filterExpression"]["ands"]
                ]
            },
        },
        NotificationsWithSubscribers=[
            {
                "Notification": {
                    "NotificationType": each["notificationType"],
                    "ComparisonOperator": each["comparisonOperator"],
                    "Threshold": each["threshold"],
                    "ThresholdType": each["thresholdType"],
                },
                "Subscribers": [
                    {"SubscriptionType": "SNS", "Address": arn}
                    for arn in each["subscriberSnsTopicArns"]
                ],
            }
            for each in inputs["notifications"]
        ],
    )
    return f"{account}:{inputs['name']}", {"accountId": account}


def create_role_policy_attachment(aws: "EmulatedAws", inputs: "Inputs") -> "Created":
    aws.client("iam").attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
    return f"{inputs['role']}-{inputs['policyArn']}", {}


def create_account(aws: "EmulatedAws", inputs: "Inputs") -> "Created":
    aws.client("apigateway").update_account(
        patchOperations=[
            {"op": "replace", "path": "/cloudwatchRoleArn", "value": inputs["cloudwatchRoleArn"]}
        ]
    )
    return "api-gateway-account", {}


CREATORS: Final[dict[str, Callable[[Any, dict[str, Any]], tuple[str, dict[str, Any]]]]] = {
    "aws:apigateway/account:Account": create_account,
    "aws:budgets/budget:Budget": create_budget,
    "aws:cloudwatch/dashboard:Dashboard": create_dashboard,
    "aws:cloudwatch/metricAlarm:MetricAlarm": create_alarm,
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": create_role_policy_attachment,
    "aws:sns/topic:Topic": create_topic,
    "aws:sns/topicPolicy:TopicPolicy": create_topic_policy,
    "aws:sns/topicSubscription:TopicSubscription": create_subscription,
}
