"""IAM policies as data. What the function may do is this file, and nothing else."""

from typing import Any, TypedDict

import pulumi

ASSUMED_BY_LAMBDA: "PolicyDocument" = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": ["sts:AssumeRole"],
        }
    ],
}


class PolicyDocument(TypedDict):
    Version: str
    Statement: list[dict[str, Any]]


def function_policy(
    *,
    connections_table_arn: pulumi.Input[str],
    counter_table_arn: pulumi.Input[str],
    connections_api_arn: pulumi.Input[str],
    log_group_arn: pulumi.Input[str],
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
                "Action": ["dynamodb:GetItem", "dynamodb:UpdateItem"],
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
        ],
    }
