"""The DynamoDB adapters on clients configured as in production, to stub or to point at a server."""

from typing import Any

import boto3
from botocore.config import Config

from counter_service.runtime.core.backoff import Backoff
from counter_service.runtime.dynamodb.client import NO_RETRY, WITH_RETRIES
from counter_service.runtime.dynamodb.connection_store import DynamoConnectionStore
from counter_service.runtime.dynamodb.counter_store import DynamoCounterStore
from counter_service.runtime.dynamodb.lease import DynamoBroadcastLease
from simulation.fakes import FakeClock


class Stores:
    """Both stores and the lease on one endpoint."""

    def __init__(self, endpoint: str | None = None, patience: Config | None = None) -> None:
        self.client = _client(endpoint, WITH_RETRIES.merge(patience or Config()))
        self.no_retry_client = _client(endpoint, NO_RETRY.merge(patience or Config()))
        self.clock = FakeClock()
        self.counter = self.counter_with(shards=1)
        self.connections = DynamoConnectionStore("connections", self.client, self.clock)
        self.lease = DynamoBroadcastLease("counter", self.client)

    def counter_with(self, shards: int, chosen: int = 0) -> DynamoCounterStore:
        """A counter whose clicks all go to the row `chosen`."""
        return DynamoCounterStore(
            "counter",
            self.client,
            no_retry_client=self.no_retry_client,
            shards=shards,
            random=lambda: chosen / shards,
            backoff=Backoff(self.clock, lambda: 0.5),
        )

    def close(self) -> None:
        self.client.close()
        self.no_retry_client.close()


def _client(endpoint: str | None, config: Config) -> Any:
    return boto3.client("dynamodb", endpoint_url=endpoint, config=config)
