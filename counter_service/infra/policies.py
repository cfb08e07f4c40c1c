"""The IAM policies as data, with every permission of the function."""

from collections.abc import Sequence
from typing import Any, Final, TypedDict

import pulumi


class PolicyDocument(TypedDict):
    """An IAM policy document, ready to be written as JSON."""

    Version: str
    Statement: list[dict[str, Any]]


def _assumed_by(service: str) -> PolicyDocument:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": ["sts:AssumeRole"],
            }
        ],
    }


ASSUMED_BY_LAMBDA: Final = _assumed_by("lambda.amazonaws.com")
ASSUMED_BY_API_GATEWAY: Final = _assumed_by("apigateway.amazonaws.com")

# AWS's policy for the logs of API Gateway. It is not replaced by a narrower one of our own, because
# API Gateway tests a role before it accepts it.
PUSH_TO_CLOUDWATCH_LOGS: Final = (
    "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
)

# The only statement without a resource, because X-Ray's writing actions do not support one
# (docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html).
TRACING: Final = {
    "Sid": "Tracing",
    "Effect": "Allow",
    "Action": ["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
    "Resource": "*",
}


def function_policy(
    *,
    connections_table_arn: pulumi.Input[str],
    counter_table_arn: pulumi.Input[str],
    connections_api_arns: Sequence[pulumi.Input[str]],
    log_group_arn: pulumi.Input[str],
    tracing: bool = False,
    limits_clicks: bool,
) -> PolicyDocument:
    """The function's permissions, except the one to invoke itself (see `hand_over_policy`).

    Args:
        connections_api_arns: ARNs for posting to connections and for closing them.
        limits_clicks: Whether the function counts messages in the connections table.
    """
    counting_clicks = ["dynamodb:UpdateItem"] if limits_clicks else []
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Connections",
                "Effect": "Allow",
                "Action": [
                    "dynamodb:DeleteItem",
                    "dynamodb:PutItem",
                    "dynamodb:Scan",
                    *counting_clicks,
                ],
                "Resource": connections_table_arn,
            },
            {
                "Sid": "Counter",
                "Effect": "Allow",
                # A transaction needs the permissions of the actions in it.
                "Action": [
                    "dynamodb:BatchGetItem",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                ],
                "Resource": counter_table_arn,
            },
            {
                "Sid": "ManageConnections",
                "Effect": "Allow",
                "Action": ["execute-api:ManageConnections"],
                "Resource": list(connections_api_arns),
            },
            {
                # Pulumi owns the log group. Without logs:CreateLogGroup the function cannot
                # recreate it (with no retention) after a destroy.
                "Sid": "Logs",
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": pulumi.Output.concat(log_group_arn, ":*"),
            },
            *([TRACING] if tracing else []),
        ],
    }


def hand_over_policy(function_arn: pulumi.Input[str]) -> PolicyDocument:
    """The permission to invoke itself, with which the function hands a broadcast over."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "HandOver",
                "Effect": "Allow",
                "Action": ["lambda:InvokeFunction"],
                "Resource": function_arn,
            }
        ],
    }


def topic_policy(topic_arn: str) -> PolicyDocument:
    """Lets the alarms of the topic's account and region, and the account's budgets, publish."""
    *_, region, account, _ = topic_arn.split(":")
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                # repost.aws/knowledge-center/cloudwatch-receive-sns-for-alarm-trigger
                "Sid": "Alarms",
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": ["sns:Publish"],
                "Resource": topic_arn,
                "Condition": {
                    "ArnLike": {"aws:SourceArn": f"arn:aws:cloudwatch:{region}:{account}:alarm:*"}
                },
            },
            {
                # docs.aws.amazon.com/cost-management/latest/userguide/budgets-sns-policy.html
                "Sid": "Budgets",
                "Effect": "Allow",
                "Principal": {"Service": "budgets.amazonaws.com"},
                "Action": ["sns:Publish"],
                "Resource": topic_arn,
                "Condition": {
                    "StringEquals": {"aws:SourceAccount": account},
                    "ArnLike": {"aws:SourceArn": f"arn:aws:budgets::{account}:*"},
                },
            },
        ],
    }
