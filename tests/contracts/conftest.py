"""The adapters that every contract is tested on.

Another adapter is a fixture that returns Stores, and its name in ADAPTERS.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from threading import Barrier, Lock
from typing import Any, TypeVar
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
THREADS = 8

T = TypeVar("T")


def together(work: Callable[[int], T], threads: int = THREADS) -> list[T]:
    """Call `work` with a number in each of several threads at the same time."""
    start = Barrier(threads)

    def run(number: int) -> T:
        start.wait(timeout=10)
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, range(threads)))


@dataclass(frozen=True)
class Stores:
    """The stores of one adapter, empty."""

    counter: CounterStore
    connections: ConnectionStore
    lease: BroadcastLease


class DynamoDB:
    """The stores on clients as in production, but with small pages.

    A page of DynamoDB has a megabyte. Random numbers are the same in each run.
    """

    def __init__(self, session: boto3.Session, endpoint: str | None = None) -> None:
        self._client = session.client("dynamodb", endpoint_url=endpoint, config=WITH_RETRIES)
        self._no_retry_client = session.client("dynamodb", endpoint_url=endpoint, config=NO_RETRY)
        self._client.meta.events.register("provide-client-params.dynamodb.Scan", _small_page)
        # The product's clients time out after a second and try again, which would fail because the
        # first attempt has created the table.
        self._patient_client = session.client("dynamodb", endpoint_url=endpoint)

    def stores(self, shards: int = 1) -> Stores:
        """Stores on new tables."""
        connections = f"connections-{uuid4().hex}"
        create_connections_table(self._patient_client, connections)
        table = self.counter_table()
        return Stores(
            self.counter(table, shards),
            DynamoConnectionStore(connections, self._client, FakeClock()),
            DynamoBroadcastLease(table, self._client),
        )

    def counter_table(self) -> str:
        """The name of a new counter table."""
        name = f"counter-{uuid4().hex}"
        create_counter_table(self._patient_client, name)
        return name

    def counter(self, table: str, shards: int = 1) -> DynamoCounterStore:
        """The counter store of one more instance of the function."""
        random = Random(shards).random
        return DynamoCounterStore(
            table,
            self._client,
            no_retry_client=self._no_retry_client,
            shards=shards,
            random=random,
            backoff=Backoff(FakeClock(), random),
        )

    def rows(self, table: str) -> dict[str, dict[str, Any]]:
        """The rows of a counter table, by id."""
        pages = self._client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        return {row["id"]["S"]: row for page in pages for row in page["Items"]}


def _small_page(params: dict[str, Any], **_: object) -> dict[str, Any]:
    return params | {"Limit": PAGE_SIZE}


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
    """For tests of the tables themselves."""
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
    """DynamoDB on moto, with one request at a time.

    Moto does not protect an item from concurrent writes, as DynamoDB does.
    """
    turn = Lock()
    process = BotocoreStubber.process_request

    def in_turn(self: BotocoreStubber, request: Any) -> Any:
        with turn:
            return process(self, request)

    with pytest.MonkeyPatch.context() as patch, mock_aws():
        isolate(patch)
        patch.setattr(BotocoreStubber, "process_request", in_turn)
        yield DynamoDB(boto3.Session())
