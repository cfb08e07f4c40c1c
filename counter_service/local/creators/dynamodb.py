"""Creates tables."""

from collections.abc import Mapping
from typing import Any, Final

from .creator import Aws, Created, Creator
from .inputs import Inputs


def create_table(aws: Aws, inputs: Inputs) -> Created:
    """Create a table, with its TTL and point-in-time recovery if they are enabled."""
    client = aws.client("dynamodb")
    table = client.create_table(
        TableName=inputs["name"],
        KeySchema=[{"AttributeName": inputs["hashKey"], "KeyType": "HASH"}],
        AttributeDefinitions=[
            {"AttributeName": attribute["name"], "AttributeType": attribute["type"]}
            for attribute in inputs["attributes"]
        ],
        BillingMode=inputs["billingMode"],
        DeletionProtectionEnabled=inputs.get("deletionProtectionEnabled", False),
        **_on_demand_throughput(inputs.get("onDemandThroughput")),
    )["TableDescription"]
    if ttl := inputs.get("ttl"):
        client.update_time_to_live(
            TableName=inputs["name"],
            TimeToLiveSpecification={
                "AttributeName": ttl["attributeName"],
                "Enabled": ttl["enabled"],
            },
        )
    if (recovery := inputs.get("pointInTimeRecovery")) and recovery["enabled"]:
        client.update_continuous_backups(
            TableName=inputs["name"],
            PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": recovery["enabled"]},
        )
    return table["TableName"], {"arn": table["TableArn"]}


def _on_demand_throughput(limits: Inputs | None) -> dict[str, Any]:
    if limits is None:
        return {}
    names = {
        "maxReadRequestUnits": "MaxReadRequestUnits",
        "maxWriteRequestUnits": "MaxWriteRequestUnits",
    }
    given = {names[name]: int(limits[name]) for name in names if name in limits}
    return {"OnDemandThroughput": given}


CREATORS: Final[Mapping[str, Creator]] = {
    "aws:dynamodb/table:Table": Creator(create_table),
}
