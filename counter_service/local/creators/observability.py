"""Creates the monitoring of a stack: topic, alarms, dashboard and budget.

The emulator stores them. It evaluates no alarm and sends no mail.
"""

from collections.abc import Mapping
from typing import Final

from counter_service.local.emulator import MiniStack

from .creator import Created, Creator
from .inputs import Inputs


def create_topic(aws: MiniStack, inputs: Inputs) -> Created:
    """Create the SNS topic of the alarms."""
    arn = aws.client("sns").create_topic(Name=inputs["name"])["TopicArn"]
    return arn, {"arn": arn}


def create_topic_policy(aws: MiniStack, inputs: Inputs) -> Created:
    """Set the policy of a topic."""
    aws.client("sns").set_topic_attributes(
        TopicArn=inputs["arn"], AttributeName="Policy", AttributeValue=inputs["policy"]
    )
    return inputs["arn"], {}


def create_subscription(aws: MiniStack, inputs: Inputs) -> Created:
    """Subscribe an address to a topic."""
    arn = aws.client("sns").subscribe(
        TopicArn=inputs["topic"],
        Protocol=inputs["protocol"],
        Endpoint=inputs["endpoint"],
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    return arn, {"arn": arn}


def create_alarm(aws: MiniStack, inputs: Inputs) -> Created:
    """Create a metric alarm."""
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
        Dimensions=[
            {"Name": key, "Value": value} for key, value in inputs.whole("dimensions").items()
        ],
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


def create_dashboard(aws: MiniStack, inputs: Inputs) -> Created:
    """Create a CloudWatch dashboard."""
    client = aws.client("cloudwatch")
    name = inputs["dashboardName"]
    client.put_dashboard(DashboardName=name, DashboardBody=inputs["dashboardBody"])
    return name, {"dashboardArn": client.get_dashboard(DashboardName=name)["DashboardArn"]}


def create_budget(aws: MiniStack, inputs: Inputs) -> Created:
    """Create a budget with its notifications."""
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


CREATORS: Final[Mapping[str, Creator]] = {
    "aws:budgets/budget:Budget": Creator(create_budget),
    "aws:cloudwatch/dashboard:Dashboard": Creator(create_dashboard),
    "aws:cloudwatch/metricAlarm:MetricAlarm": Creator(create_alarm),
    "aws:sns/topic:Topic": Creator(create_topic),
    "aws:sns/topicPolicy:TopicPolicy": Creator(create_topic_policy),
    "aws:sns/topicSubscription:TopicSubscription": Creator(create_subscription),
}
