"""The adapters that the contracts are checked on.

Another adapter is a fixture that returns Stores, and its name in ADAPTERS. For DynamoDB
somewhere else that is `return dynamo_stores(session, endpoint)`.
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
from counter_service.runtime.ports import ConnectionStore, CounterStore
from tests.contracts.aws import create_connections_table, create_counter_table, isolate
from tests.fakes import InMemoryConnectionStore, InMemoryCounterStore

ADAPTERS = ["in_memory", "dynamodb_on_moto", "dynamodb_on_the_emulator"]

PAGE_SIZE = 2


@dataclass(frozen=True)
class Stores:
    """Empty ones."""

    counter: CounterStore
    connections: ConnectionStore


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
def in_memory() -> Stores:
    return Stores(InMemoryCounterStore(), InMemoryConnectionStore())


@pytest.fixture
def dynamodb_on_moto(moto: boto3.Session) -> Stores:
    return dynamo_stores(moto)


@pytest.fixture
def dynamodb_on_the_emulator(emulator: Emulator) -> Stores:
    return dynamo_stores(emulator.session(), emulator.endpoint)


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    log_file = tmp_path_factory.mktemp("emulator") / "ministack.log"
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch)
        with Emulator("eu-central-1", log_file) as emulator:
            yield emulator


def dynamo_stores(session: boto3.Session, endpoint: str | None = None) -> Stores:
    """Both stores on new tables, configured as in production but with tiny pages."""
    client = session.client("dynamodb", endpoint_url=endpoint, config=RETRYING)
    once = session.client("dynamodb", endpoint_url=endpoint, config=ONCE)
    # A real page ends after a megabyte.
    client.meta.events.register("provide-client-params.dynamodb.Scan", _small_page)
    test = uuid4().hex
    create_counter_table(client, f"counter-{test}")
    create_connections_table(client, f"connections-{test}")
    return Stores(
        DynamoCounterStore(f"counter-{test}", client, once=once),
        DynamoConnectionStore(f"connections-{test}", client),
    )


@pytest.fixture(scope="module")
def moto() -> Iterator[boto3.Session]:
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
        yield boto3.Session()


def _small_page(params: dict[str, Any], **_: object) -> dict[str, Any]:
    return params | {"Limit": PAGE_SIZE}
