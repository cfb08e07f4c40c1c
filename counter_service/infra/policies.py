"""IAM policies as data. What the function may do is this file, and nothing else."""

from typing import Any, Final, TypedDict

import pulumi


class PolicyDocument(TypedDict):
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

# The one statement without a resource: X-Ray's writing actions have none to name
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
    connections_api_arn: pulumi.Input[str],
    log_group_arn: pulumi.Input[str],
    tracing: bool = False,
    limits_clicks: bool,
) -> PolicyDocument:
    """What the runtime calls, each on its own resource."""
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
                # A transaction needs the actions that it is made of.
                "Action": [
                    "dynamodb:BatchGetItem",
                    "dynamodb:GetItem",
                    "dynamodb:PutItem",
                    "dynamodb:UpdateItem",
                ],
                "Resource": counter_table_arn,
            },
            {
                "Sid": "PostToConnections",
                "Effect": "Allow",
                "Action": ["execute-api:ManageConnections"],
                "Resource": connections_api_arn,
            },
            {
                # The group itself is the graph's: without logs:CreateLogGroup the function
                # cannot bring it back, without retention, after a destroy.
                "Sid": "Logs",
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
                "Resource": pulumi.Output.concat(log_group_arn, ":*"),
            },
            *([TRACING] if tracing else []),
        ],
    }


def hand_over_policy(function_arn: pulumi.Input[str]) -> PolicyDocument:
    """The function may invoke itself: at the end of its time it hands its broadcast over."""
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
    """Who may publish: alarms of the topic's own account and region, and the account's budgets."""
    _, partition, _, region, account, _ = topic_arn.split(":")
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
                    "ArnLike": {
                        "aws:SourceArn": f"arn:{partition}:cloudwatch:{region}:{account}:alarm:*"
                    }
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
                    "ArnLike": {"aws:SourceArn": f"arn:{partition}:budgets::{account}:*"},
                },
            },
        ],
    }


def push_to_cloudwatch_logs(region: str) -> str:
    """AWS's own policy for API Gateway's logs. API Gateway tries the role before it takes it, so
    a narrower one of our own may be refused."""
    partition = {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(region.rsplit("-", 2)[0], "aws")
    return f"arn:{partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
