"""The requests that ConnectionStore sends, and its results for the responses."""

from threading import Barrier, Event
from typing import Any

import pytest
from botocore.stub import Stubber

from counter_service.runtime.core.errors import StoreUnavailable
from counter_service.runtime.core.ports import CONNECTION_TTL_SECONDS, Connection
from counter_service.runtime.dynamodb.client import WITH_RETRIES
from counter_service.runtime.dynamodb.connection_store import THREADS, DynamoConnectionStore
from simulation.fakes import FakeClock
from tests.unit.stores import Stores

pytestmark = pytest.mark.usefixtures("aws_environment", "no_backoff")

SCAN = {
    "TableName": "connections",
    "ConsistentRead": True,
    "ProjectionExpression": "#id",
    "FilterExpression": "#expiresAt > :now",
    "ExpressionAttributeNames": {"#id": "connectionId", "#expiresAt": "expiresAt"},
    "ExpressionAttributeValues": {":now": {"N": "1000"}},
}


def row(connection_id: str, **numbers: int) -> dict[str, Any]:
    attributes = {name: {"N": str(number)} for name, number in numbers.items()}
    return {"connectionId": {"S": connection_id}} | attributes


def test_row_of_a_connection_has_the_names_that_a_deployed_table_has(
    stubbed: Stores, stub: Stubber
) -> None:
    stub.add_response(
        "put_item",
        {},
        {
            "TableName": "connections",
            "Item": row("a", connectedAt=1000, expiresAt=1000 + CONNECTION_TTL_SECONDS),
            "ConditionExpression": "attribute_not_exists(#id)",
            "ExpressionAttributeNames": {"#id": "connectionId"},
        },
    )
    stubbed.connections.put(Connection("a", 1000))
    stub.assert_no_pending_responses()


def test_audience_reads_every_page_consistently(stubbed: Stores, stub: Stubber) -> None:
    first = {"Items": [row("a"), row("b")], "LastEvaluatedKey": row("b")}
    empty = {"Items": [], "LastEvaluatedKey": row("x")}
    stub.add_response("scan", first, SCAN)
    stub.add_response("scan", empty, SCAN | {"ExclusiveStartKey": row("b")})
    stub.add_response("scan", {"Items": [row("c")]}, SCAN | {"ExclusiveStartKey": row("x")})
    assert list(stubbed.connections.audience(1000)) == ["a", "b", "c"]


def test_audience_returns_the_pages_before_a_failure(stubbed: Stores, stub: Stubber) -> None:
    stub.add_response("scan", {"Items": [row("a")], "LastEvaluatedKey": row("a")})
    stub.add_client_error("scan", "ThrottlingException", http_status_code=400)
    audience = stubbed.connections.audience(1000)
    assert next(audience) == "a"
    with pytest.raises(StoreUnavailable, match="ThrottlingException"):
        next(audience)


def test_audience_loads_only_the_page_that_follows_the_one_in_use() -> None:
    """Nothing before the first is used, so that the sender, who comes first, waits for no page."""
    loaded: list[object] = []
    loaded_second = Event()

    class Client:
        def scan(self, **request: object) -> dict[str, Any]:
            loaded.append(request)
            if len(loaded) == 1:
                return {"Items": [row("a"), row("b")], "LastEvaluatedKey": row("b")}
            loaded_second.set()
            return {"Items": [row("c")]}

    audience = DynamoConnectionStore("connections", Client(), FakeClock()).audience(1000)
    assert loaded == []
    assert next(audience) == "a"
    assert loaded_second.wait(10)
    assert list(audience) == ["b", "c"]


WRITTEN = None
NO_ROW: dict[str, Any] = {}
FULL_BEFORE = row("a", clickSecond=6, clicks=2)
ONE_NOW = row("a", clickSecond=7, clicks=1)
FULL_NOW = row("a", clickSecond=7, clicks=2)

# The result of each write that a message in second 7 causes: written, or the row that did not meet
# the condition. Only a concurrent message can change the row between two writes.
COUNTS = {
    "the second has started": ([WRITTEN], 2),
    "the limit is reached": ([FULL_NOW], 3),
    "there is no row": ([NO_ROW], 0),
    "the first message": ([row("a"), WRITTEN], 1),
    "a later second": ([FULL_BEFORE, WRITTEN], 1),
    "the row is deleted meanwhile": ([FULL_BEFORE, NO_ROW], 0),
    "another message started the second": ([FULL_BEFORE, ONE_NOW, WRITTEN], 2),
    "other messages reached the limit": ([FULL_BEFORE, FULL_NOW, FULL_NOW], 3),
    "rows come and go": ([FULL_BEFORE, FULL_NOW] * 2, 2),
}


@pytest.mark.parametrize(("writes", "number"), COUNTS.values(), ids=COUNTS)
def test_count_message_writes_no_more_often_than_it_must(
    stubbed: Stores, stub: Stubber, writes: list[dict[str, Any] | None], number: int
) -> None:
    for unmet in writes:
        if unmet is WRITTEN:
            stub.add_response("update_item", {"Attributes": {"clicks": {"N": "2"}}})
        else:
            fields = {"Item": unmet} if unmet else None
            code = "ConditionalCheckFailedException"
            stub.add_client_error("update_item", code, modeled_fields=fields)
    assert stubbed.connections.count_message("a", 7, 2) == number


def test_audience_fails_if_a_page_does_not_arrive_in_time() -> None:
    """The lease that a broadcast holds does not outlast a listing that does not end."""
    stop = Event()

    class Client:
        def scan(self, **_: object) -> dict[str, Any]:
            stop.wait(10)
            return {"Items": []}

    clock = FakeClock()
    store = DynamoConnectionStore("connections", Client(), clock)
    with pytest.raises(StoreUnavailable, match="listing the audience"):
        next(store.audience(clock.time, clock.now_ms() + 50))
    stop.set()


def test_audience_waits_for_no_page_after_its_time() -> None:
    late = Event()

    class Client:
        def scan(self, **_: object) -> dict[str, Any]:
            late.wait(0.2)
            return {"Items": []}

    clock = FakeClock()
    store = DynamoConnectionStore("connections", Client(), clock)
    with pytest.raises(StoreUnavailable, match=r"^listing the audience failed \(TimeoutError\)"):
        next(store.audience(clock.time, clock.now_ms() - 1))


def test_remove_gone_deletes_several_rows_at_a_time() -> None:
    together = Barrier(THREADS)

    class Client:
        def delete_item(self, **_: object) -> None:
            together.wait(10)

    ids = [str(number) for number in range(2 * THREADS)]
    DynamoConnectionStore("connections", Client(), FakeClock()).remove_gone(ids, 0)


def test_each_thread_has_a_connection() -> None:
    """botocore closes each connection that its pool has no place for, after one request."""
    assert WITH_RETRIES.max_pool_connections >= THREADS
