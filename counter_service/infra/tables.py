"""The two DynamoDB tables."""

from typing import Final

import pulumi
import pulumi_aws as aws

from counter_service.runtime import contract

from .settings import Settings

CONNECTIONS_TABLE: Final = "aes_websocket_connections"
COUNTER_TABLE: Final = "aes_counter_state"


class Tables(pulumi.ComponentResource):
    """`connections` (a row for each open connection, with TTL) and `counter` (the value)."""

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
            ttl={"attribute_name": contract.EXPIRES_AT, "enabled": True},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.counter = aws.dynamodb.Table(
            COUNTER_TABLE,
            name=settings.physical_name(COUNTER_TABLE),
            billing_mode="PAY_PER_REQUEST",
            hash_key=contract.COUNTER_KEY,
            attributes=[{"name": contract.COUNTER_KEY, "type": "S"}],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs(
            {"connectionsTableName": self.connections.name, "counterTableName": self.counter.name}
        )
