"""The two DynamoDB tables."""

from typing import Final

import pulumi
import pulumi_aws as aws

from counter_service.runtime import contract

from .settings import Settings

CONNECTIONS_TABLE: Final = "aes_websocket_connections"
COUNTER_TABLE: Final = "aes_counter_state"


class Tables(pulumi.ComponentResource):
    """`connections` (a row for each open connection) and `counter` (the value, and a row for each
    click of the last day). Rows with an `expiresAt` go by themselves; the value has none.

    Both are encrypted at rest with DynamoDB's own key, which it does anyway and for nothing. A
    `server_side_encryption` block would switch to a KMS key, paid by the request.
    """

    connections: aws.dynamodb.Table
    counter: aws.dynamodb.Table

    def __init__(
        self, name: str, settings: Settings, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("counter:infra:Tables", name, {}, opts)
        self.connections = aws.dynamodb.Table(
            CONNECTIONS_TABLE,
            name=settings.physical_name(CONNECTIONS_TABLE),
            billing_mode="PAY_PER_REQUEST",
            hash_key=contract.CONNECTION_KEY,
            attributes=[{"name": contract.CONNECTION_KEY, "type": "S"}],
            on_demand_throughput=_limits(settings),
            ttl={"attribute_name": contract.EXPIRES_AT, "enabled": True},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.counter = aws.dynamodb.Table(
            COUNTER_TABLE,
            name=settings.physical_name(COUNTER_TABLE),
            billing_mode="PAY_PER_REQUEST",
            hash_key=contract.COUNTER_KEY,
            attributes=[{"name": contract.COUNTER_KEY, "type": "S"}],
            on_demand_throughput=_limits(settings),
            ttl={"attribute_name": contract.EXPIRES_AT, "enabled": True},
            deletion_protection_enabled=settings.keep_data,
            point_in_time_recovery={"enabled": settings.keep_data},
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=settings.keep_data,
                retain_on_delete=settings.keep_data,
            ),
        )
        self.register_outputs(
            {"connectionsTableName": self.connections.name, "counterTableName": self.counter.name}
        )


def _limits(settings: Settings) -> aws.dynamodb.TableOnDemandThroughputArgsDict | None:
    """Without one a table serves what the account may, and that is also what it can cost.

    No limit is the absence of one: DynamoDB knows -1, but refuses it for a new table.
    """
    limits: aws.dynamodb.TableOnDemandThroughputArgsDict = {}
    if settings.table_max_read_units:
        limits["max_read_request_units"] = settings.table_max_read_units
    if settings.table_max_write_units:
        limits["max_write_request_units"] = settings.table_max_write_units
    return limits or None
