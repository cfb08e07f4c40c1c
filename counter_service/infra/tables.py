"""The two DynamoDB tables."""

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from counter_service.runtime import contract

from .names import Names

CONNECTIONS_TABLE: Final = "aes_websocket_connections"
COUNTER_TABLE: Final = "aes_counter_state"


@dataclass(frozen=True, slots=True, kw_only=True)
class TablesArgs:
    """Arguments of Tables.

    Args:
        max_read_units: Read units per second that each table serves at most; 0 sets no limit.
        max_write_units: Write units per second that each table serves at most; 0 sets no limit.
        keep_data: Whether the counter table outlives the stack and has backups.
    """

    names: Names
    max_read_units: int
    max_write_units: int
    keep_data: bool


class Tables(pulumi.ComponentResource):
    """The two tables. DynamoDB deletes a row after the time in its `expiresAt`, if it has one.

    Both are encrypted at rest with DynamoDB's own key, which is free and the default. A
    `server_side_encryption` block would choose a KMS key, which is billed per request.

    Attributes:
        connections: One row for each open connection.
        counter: The value, which does not expire, and a row for each click of the last day.
    """

    connections: aws.dynamodb.Table
    counter: aws.dynamodb.Table

    def __init__(
        self, name: str, args: TablesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("counter:infra:Tables", name, {}, opts)
        self._args = args
        self.connections = self._create_connections()
        self.counter = self._create_counter()
        self.register_outputs(
            {"connectionsTableName": self.connections.name, "counterTableName": self.counter.name}
        )

    def _create_connections(self) -> aws.dynamodb.Table:
        return aws.dynamodb.Table(
            CONNECTIONS_TABLE,
            name=self._args.names.resource_name(CONNECTIONS_TABLE),
            billing_mode="PAY_PER_REQUEST",
            hash_key=contract.CONNECTION_KEY,
            attributes=[{"name": contract.CONNECTION_KEY, "type": "S"}],
            on_demand_throughput=self._limits(),
            ttl={"attribute_name": contract.EXPIRES_AT, "enabled": True},
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _create_counter(self) -> aws.dynamodb.Table:
        keep_data = self._args.keep_data
        return aws.dynamodb.Table(
            COUNTER_TABLE,
            name=self._args.names.resource_name(COUNTER_TABLE),
            billing_mode="PAY_PER_REQUEST",
            hash_key=contract.COUNTER_KEY,
            attributes=[{"name": contract.COUNTER_KEY, "type": "S"}],
            on_demand_throughput=self._limits(),
            ttl={"attribute_name": contract.EXPIRES_AT, "enabled": True},
            deletion_protection_enabled=keep_data,
            point_in_time_recovery={"enabled": keep_data},
            opts=pulumi.ResourceOptions(parent=self, protect=keep_data, retain_on_delete=keep_data),
        )

    def _limits(self) -> aws.dynamodb.TableOnDemandThroughputArgsDict | None:
        # Leave out a limit that is not set: DynamoDB rejects -1, its "no limit", for a new table.
        limits: aws.dynamodb.TableOnDemandThroughputArgsDict = {}
        if self._args.max_read_units:
            limits["max_read_request_units"] = self._args.max_read_units
        if self._args.max_write_units:
            limits["max_write_request_units"] = self._args.max_write_units
        return limits or None
