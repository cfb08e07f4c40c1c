"""Creates log groups."""

from collections.abc import Mapping
from typing import Final

from counter_service.local.emulator import MiniStack

from .creator import Created, Creator
from .inputs import Inputs


def create_log_group(aws: MiniStack, inputs: Inputs) -> Created:
    """Create a log group with its retention in days."""
    client = aws.client("logs")
    name = inputs["name"]
    client.create_log_group(logGroupName=name)
    client.put_retention_policy(logGroupName=name, retentionInDays=int(inputs["retentionInDays"]))
    group = client.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]
    return name, {"arn": group["arn"].removesuffix(":*")}  # as pulumi-aws returns it


CREATORS: Final[Mapping[str, Creator]] = {
    "aws:cloudwatch/logGroup:LogGroup": Creator(create_log_group),
}
