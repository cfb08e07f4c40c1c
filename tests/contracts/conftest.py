"""The adapters that the contracts are checked on.

Another adapter is a fixture that returns Stores, and its name in ADAPTERS. For DynamoDB
somewhere else that is `DynamoDB(session, endpoint).stores()`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from threading import Lock
from typing import Any
from uuid import uuid4

import boto3
import pytest
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

from counter_service.local.emulator import MiniStack
from counter_service.runtime.core.backoff import Backoff
from counter_service.runtime.core.ports import BroadcastLease, ConnectionStore, CounterStore
from counter_service.runtime.dynamodb.client import NO_RETRY, WITH_RETRIES
from counter_service.runtime.dynamodb.connection_store import DynamoConnectionStore
from counter_service.runtime.dynamodb.counter_store import DynamoCounterStore
from counter_service.runtime.dynamodb.lease import DynamoBroadcastLease
from simulation.fakes import FakeClock, InMemoryConnectionStore, InMemoryCounterStore, InMemoryLease
from tests.contracts.aws import create_connections_table, create_counter_table, isolate

ADAPTERS = ["in_memory", "dynamodb_on_moto", "dynamodb_on_the_emulator", "dynamodb_with_shards"]

SHARDS = 4

PAGE_SIZE = 2


@dataclass(frozen=True)
class Stores:
    """Empty ones."""

    counter: CounterStore
    connections: ConnectionStore
    lease: BroadcastLease


class DynamoDB:
    """Clients as in production, but with tiny pages: a real one ends after a megabyte.

    The dice are the same in each run.
    """

    def __init__(self, session: boto3.Session, endpoint: str | None = None) -> None:
        self._client = session.client("dynamodb", endpoint_url=endpoint, config=WITH_RETRIES)
        self._no_retry_client = session.client("dynamodb", endpoint_url=endpoint, config=NO_RETRY)
        self._client.meta.events.register("provide-client-params.dynamodb.Scan", _small_page)

    def stores(self, shards: int = 1) -> Stores:
        """On new tables."""
        test = uuid4().hex
        create_connections_table(self._client, f"connections-{test}")
        table = self.counter_table()
        return Stores(
            self.counter(table, shards),
            DynamoConnectionStore(f"connections-{test}", self._client),
            DynamoBroadcastLease(table, self._client),
        )

    def counter_table(self) -> str:
        """A new one."""
        name = f"counter-{uuid4().hex}"
        create_counter_table(self._client, name)
        return name

    def counter(self, table: str, shards: int = 1) -> DynamoCounterStore:
        """As another instance of the function has it."""
        dice = Random(shards).random
        return DynamoCounterStore(
            table,
            self._client,
            no_retry_client=self._no_retry_client,
            shards=shards,
            random=dice,
            backoff=Backoff(FakeClock(), dice),
        )

    def rows(self, table: str) -> dict[str, dict[str, Any]]:
        """Of the counter table, by id."""
        pages = self._client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return {row["id"]["S"]: row for page in pages for row in page["Items"]}


@pytest.fixture(params=ADAPTERS)
def stores(request: pytest.FixtureRequest) -> Stores:
    stores: Stores = request.getfixturevalue(request.param)
    return stores


@pytest.fixture
def counter(stores: Stores) -> CounterStore:
    return stores.counter


@pytest.fixture
def connections(stores: Stores) -> ConnectionStore:
    return stores.connections


@pytest.fixture
def lease(stores: Stores) -> BroadcastLease:
    return stores.lease


@pytest.fixture
def in_memory() -> Stores:
    return Stores(InMemoryCounterStore(), InMemoryConnectionStore(), InMemoryLease())


@pytest.fixture
def dynamodb_on_moto(moto: DynamoDB) -> Stores:
    return moto.stores()


@pytest.fixture
def dynamodb_with_shards(moto: DynamoDB) -> Stores:
    return moto.stores(SHARDS)


@pytest.fixture
def dynamodb_on_the_emulator(emulator: DynamoDB) -> Stores:
    return emulator.stores()


@pytest.fixture(params=["moto", "emulator"])
def dynamodb(request: pytest.FixtureRequest) -> DynamoDB:
    """For what is about the tables themselves."""
    database: DynamoDB = request.getfixturevalue(request.param)
    return database


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DynamoDB]:
    folder = tmp_path_factory.mktemp("emulator")
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch)
        with MiniStack("eu-central-1", folder) as emulator:
            yield DynamoDB(emulator.session(), emulator.endpoint)


@pytest.fixture(scope="module")
def moto() -> Iterator[DynamoDB]:
    """DynamoDB serves writes to one item one after the other. Moto runs them in the threads of
    its callers, at the same time, so here requests take turns."""
    turn = Lock()
    process = BotocoreStubber.process_request

    def in_turn(self: BotocoreStubber, request: Any) -> Any:
        with turn:
            return process(self, request)

    with pytest.MonkeyPatch.context() as patch, mock_aws():
        isolate(patch)
        patch.setattr(BotocoreStubber, "process_request", in_turn)
        yield DynamoDB(boto3.Session())


def _small_page(params: dict[str, Any], **_: object) -> dict[str, Any]:
    return params | {"Limit": PAGE_SIZE}
