"""The adapters that the contracts are checked on.

Another adapter is a fixture that returns Stores, and its name in ADAPTERS. For DynamoDB
somewhere else that is `DynamoDB(session, endpoint).stores()`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Any
from uuid import uuid4

import boto3
import pytest
from moto import mock_aws
from moto.core.botocore_stubber import BotocoreStubber

from counter_service.local.emulator import Emulator
from counter_service.runtime.dynamodb import (
    ONCE,
    RETRYING,
    DynamoConnectionStore,
    DynamoCounterStore,
)
from counter_service.runtime.lease import DynamoBroadcastLease
from counter_service.runtime.ports import BroadcastLease, ConnectionStore, CounterStore
from tests.contracts.aws import create_connections_table, create_counter_table, isolate
from tests.fakes import InMemoryConnectionStore, InMemoryCounterStore, InMemoryLease

ADAPTERS = ["in_memory", "dynamodb_on_moto", "dynamodb_on_the_emulator"]

PAGE_SIZE = 2


@dataclass(frozen=True)
class Stores:
    """Empty ones."""

    counter: CounterStore
    connections: ConnectionStore
    lease: BroadcastLease


class DynamoDB:
    """Clients as in production, but with tiny pages: a real one ends after a megabyte."""

    def __init__(self, session: boto3.Session, endpoint: str | None = None) -> None:
        self._client = session.client("dynamodb", endpoint_url=endpoint, config=RETRYING)
        self._once = session.client("dynamodb", endpoint_url=endpoint, config=ONCE)
        self._client.meta.events.register("provide-client-params.dynamodb.Scan", _small_page)

    def stores(self) -> Stores:
        """On new tables."""
        test = uuid4().hex
        create_counter_table(self._client, f"counter-{test}")
        create_connections_table(self._client, f"connections-{test}")
        return Stores(
            DynamoCounterStore(f"counter-{test}", self._client, once=self._once),
            DynamoConnectionStore(f"connections-{test}", self._client),
            DynamoBroadcastLease(f"counter-{test}", self._client),
        )


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
def dynamodb_on_the_emulator(emulator: DynamoDB) -> Stores:
    return emulator.stores()


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DynamoDB]:
    folder = tmp_path_factory.mktemp("emulator")
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch)
        with Emulator("eu-central-1", folder) as emulator:
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
