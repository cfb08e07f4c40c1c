"""Which requests ConnectionStore sends, and what it makes of the answers."""

from threading import Event
from typing import Any

import pytest
from botocore.stub import Stubber

from counter_service.runtime.core.errors import StoreUnavailable
from counter_service.runtime.dynamodb.connection_store import DynamoConnectionStore
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


class TestAudience:
    def test_reads_every_page_consistently(self, stubbed: Stores, stub: Stubber) -> None:
        first = {"Items": [_row("a"), _row("b")], "LastEvaluatedKey": _row("b")}
        empty = {"Items": [], "LastEvaluatedKey": _row("x")}
        last = {"Items": [_row("c")]}
        stub.add_response("scan", first, SCAN)
        stub.add_response("scan", empty, SCAN | {"ExclusiveStartKey": _row("b")})
        stub.add_response("scan", last, SCAN | {"ExclusiveStartKey": _row("x")})
        assert list(stubbed.connections.audience(1000)) == ["a", "b", "c"]

    def test_gives_the_pages_before_a_failure(self, stubbed: Stores, stub: Stubber) -> None:
        stub.add_response("scan", {"Items": [_row("a")], "LastEvaluatedKey": _row("a")})
        stub.add_client_error("scan", "ThrottlingException", http_status_code=400)
        audience = stubbed.connections.audience(1000)
        assert next(audience) == "a"
        with pytest.raises(StoreUnavailable, match="ThrottlingException"):
            next(audience)

    def test_loads_the_next_page_while_one_is_used(self) -> None:
        asked = Event()

        class Client:
            def scan(self, ExclusiveStartKey: object = None, **_: object) -> dict[str, Any]:  # noqa: N803
                if not ExclusiveStartKey:
                    return {"Items": [_row("a"), _row("b")], "LastEvaluatedKey": _row("b")}
                asked.set()
                return {"Items": [_row("c")]}

        audience = DynamoConnectionStore("connections", Client()).audience(1000)
        assert next(audience) == "a"
        assert asked.wait(10)
        assert list(audience) == ["b", "c"]

    def test_asks_for_nothing_before_somebody_reads(self, stubbed: Stores, stub: Stubber) -> None:
        """So the service can put the sender in front, whose answer waits for no listing."""
        stub.add_client_error("scan", "ThrottlingException", http_status_code=400)
        audience = stubbed.connections.audience(1000)
        with pytest.raises(StoreUnavailable):
            next(audience)


def _row(connection_id: str) -> dict[str, Any]:
    return {"connectionId": {"S": connection_id}}


class TestAdmitClick:
    """How often it writes, and what another worker's click in between comes to."""

    def _refusal(self, stub: Stubber, row: dict[str, Any] | None) -> None:
        stub.add_client_error(
            "update_item",
            "ConditionalCheckFailedException",
            http_status_code=400,
            modeled_fields={"Item": row} if row else None,
        )

    def _row(self, second: int, clicks: int) -> dict[str, Any]:
        return _row("a") | {"clickSecond": {"N": str(second)}, "clicks": {"N": str(clicks)}}

    def test_writes_once_within_a_second(self, stubbed: Stores, stub: Stubber) -> None:
        stub.add_response("update_item", {})
        assert stubbed.connections.admit_click("a", 7, 2) is True

    def test_writes_once_for_a_click_too_many(self, stubbed: Stores, stub: Stubber) -> None:
        self._refusal(stub, self._row(7, 2))
        assert stubbed.connections.admit_click("a", 7, 2) is False

    def test_writes_once_where_there_is_no_row(self, stubbed: Stores, stub: Stubber) -> None:
        self._refusal(stub, None)
        assert stubbed.connections.admit_click("a", 7, 2) is True

    @pytest.mark.parametrize("first", [True, False], ids=["the first click", "a later second"])
    def test_writes_twice_to_begin_a_second(
        self, stubbed: Stores, stub: Stubber, first: bool
    ) -> None:
        self._refusal(stub, _row("a") if first else self._row(6, 2))
        stub.add_response("update_item", {})
        assert stubbed.connections.admit_click("a", 7, 2) is True

    @pytest.mark.parametrize("clicks", [1, 2])
    def test_counts_in_a_second_that_another_click_has_begun_meanwhile(
        self, stubbed: Stores, stub: Stubber, clicks: int
    ) -> None:
        self._refusal(stub, self._row(6, 2))
        self._refusal(stub, self._row(7, clicks))
        if clicks < 2:
            stub.add_response("update_item", {})
        else:
            self._refusal(stub, self._row(7, clicks))
        assert stubbed.connections.admit_click("a", 7, 2) is (clicks < 2)

    def test_ends_when_rows_come_and_go(self, stubbed: Stores, stub: Stubber) -> None:
        for _ in range(2):
            self._refusal(stub, self._row(6, 2))
            self._refusal(stub, self._row(7, 2))
        assert stubbed.connections.admit_click("a", 7, 2) is True
