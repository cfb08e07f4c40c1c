from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from counter_service.runtime.dynamodb import (
    ONCE,
    RETRYING,
    DynamoConnectionStore,
    DynamoCounterStore,
)
from counter_service.runtime.errors import OutcomeUnknown, StoreUnavailable
from counter_service.runtime.ports import Connection
from tests.contracts.aws import isolate
from tests.unit.local_server import HANG_UP, SILENCE, Answer, LocalServer

pytestmark = pytest.mark.usefixtures("aws_environment", "no_backoff")

# Every method that may be repeated, and the DynamoDB operation behind it.
REPEATABLE = {
    "value": ("get_item", lambda counter, _: counter.value()),
    "put": ("put_item", lambda _, connections: connections.put(Connection("a", 0))),
    "remove": ("delete_item", lambda _, connections: connections.remove("a")),
    "remove_gone": ("delete_item", lambda _, connections: connections.remove_gone("a", 0)),
    "admit_click": ("update_item", lambda _, connections: connections.admit_click("a", 0, 1)),
    "audience": ("scan", lambda _, connections: list(connections.audience(0))),
}
repeatable = pytest.mark.parametrize(
    ("operation", "call"), REPEATABLE.values(), ids=list(REPEATABLE)
)


class Stores:
    """Both stores on one endpoint, configured as in production."""

    def __init__(self, endpoint: str | None = None, patience: Config | None = None) -> None:
        self.client = _client(endpoint, RETRYING.merge(patience or Config()))
        self.once = _client(endpoint, ONCE.merge(patience or Config()))
        self.counter = DynamoCounterStore("counter", self.client, once=self.once)
        self.connections = DynamoConnectionStore("connections", self.client)

    def close(self) -> None:
        self.client.close()
        self.once.close()


def _client(endpoint: str | None, config: Config) -> Any:
    return boto3.client("dynamodb", endpoint_url=endpoint, config=config)


@pytest.fixture(scope="module")
def stubbed() -> Iterator[Stores]:
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch)
        yield Stores()


@pytest.fixture
def stub(stubbed: Stores) -> Iterator[Stubber]:
    with Stubber(stubbed.client) as stub:
        yield stub
    stub.assert_no_pending_responses()


@pytest.fixture
def once_stub(stubbed: Stores) -> Iterator[Stubber]:
    with Stubber(stubbed.once) as stub:
        yield stub
    stub.assert_no_pending_responses()


@pytest.fixture
def on_server(serve: Callable[[Answer], LocalServer]) -> Iterator[Callable[[int], Any]]:
    """Stores on an endpoint that answers everything alike, and that endpoint."""
    opened: list[Stores] = []

    def start(answer: int) -> tuple[Stores, LocalServer]:
        server = serve(lambda _: answer)
        # Only silence has to be waited for.
        opened.append(Stores(server.url, Config(read_timeout=0.2 if answer == SILENCE else 10)))
        return opened[-1], server

    yield start
    for stores in opened:
        stores.close()


class TestIncrement:
    @pytest.mark.parametrize(
        ("code", "status"),
        [
            ("AccessDeniedException", 400),
            ("ProvisionedThroughputExceededException", 400),
            ("RequestLimitExceeded", 400),
            ("ResourceNotFoundException", 400),
            ("ThrottlingException", 400),
            ("ValidationException", 400),
            ("TheLastOfThem", 499),
        ],
    )
    def test_a_refusal_changed_nothing(
        self, stubbed: Stores, once_stub: Stubber, code: str, status: int
    ) -> None:
        once_stub.add_client_error("update_item", code, http_status_code=status)
        with pytest.raises(StoreUnavailable) as caught:
            stubbed.counter.increment()
        assert (caught.value.operation, caught.value.reason) == ("increment", code)

    @pytest.mark.parametrize(
        ("code", "status"),
        [("InternalServerError", 500), ("ServiceUnavailable", 503), ("SomethingElse", 302)],
    )
    def test_a_failure_may_have_counted(
        self, stubbed: Stores, once_stub: Stubber, code: str, status: int
    ) -> None:
        once_stub.add_client_error("update_item", code, http_status_code=status)
        with pytest.raises(OutcomeUnknown) as caught:
            stubbed.counter.increment()
        assert (caught.value.operation, caught.value.reason) == ("increment", code)

    def test_an_answer_without_a_status_may_have_counted(self) -> None:
        class Garbled:
            def update_item(self, **_: object) -> None:
                raise ClientError({}, "UpdateItem")

        counter = DynamoCounterStore("counter", client=None, once=Garbled())
        with pytest.raises(OutcomeUnknown):
            counter.increment()

    @pytest.mark.parametrize(
        "answer", [HANG_UP, SILENCE, 500], ids=["hangs up", "is silent", "fails"]
    )
    def test_is_sent_once_whatever_comes_back(
        self, on_server: Callable[[int], Any], answer: int
    ) -> None:
        """By the whole stack down to the socket, where botocore's defaults would send up to ten."""
        stores, server = on_server(answer)
        with pytest.raises(OutcomeUnknown):
            stores.counter.increment()
        assert server.count_once_there_are(1) == 1

    def test_what_was_never_sent_was_not_counted(
        self, on_server: Callable[[int], tuple[Stores, LocalServer]]
    ) -> None:
        stores, server = on_server(200)
        server.close()
        with pytest.raises(StoreUnavailable, match="EndpointConnectionError"):
            stores.counter.increment()

    def test_is_sent_once_per_call_on_a_connection_that_was_kept(
        self, serve: Callable[[Answer], LocalServer]
    ) -> None:
        """The warm connection of an earlier call is where HTTP libraries resend by themselves."""
        answers = iter([400, HANG_UP])
        server = serve(lambda _: next(answers))
        stores = Stores(server.url)
        with pytest.raises(StoreUnavailable):
            stores.counter.increment()
        with pytest.raises(OutcomeUnknown):
            stores.counter.increment()
        assert len(server.received) == 2
        stores.close()


class TestEverythingElse:
    @repeatable
    @pytest.mark.parametrize(
        ("code", "status"), [("ThrottlingException", 400), ("InternalServerError", 500)]
    )
    def test_says_that_the_table_is_unavailable(
        self,
        stubbed: Stores,
        stub: Stubber,
        operation: str,
        call: Callable[..., Any],
        code: str,
        status: int,
    ) -> None:
        stub.add_client_error(operation, code, http_status_code=status)
        with pytest.raises(StoreUnavailable) as caught:
            call(stubbed.counter, stubbed.connections)
        assert caught.value.reason == code

    @repeatable
    @pytest.mark.parametrize(
        "answer", [HANG_UP, SILENCE, 500], ids=["hangs up", "is silent", "fails"]
    )
    def test_is_sent_again_when_no_good_answer_comes(
        self,
        on_server: Callable[[int], Any],
        operation: str,
        call: Callable[..., Any],
        answer: int,
    ) -> None:
        stores, server = on_server(answer)
        with pytest.raises(StoreUnavailable):
            call(stores.counter, stores.connections)
        assert server.count_once_there_are(3) == 3

    @repeatable
    def test_nobody_listening(
        self, on_server: Callable[[int], Any], operation: str, call: Callable[..., Any]
    ) -> None:
        stores, server = on_server(200)
        server.close()
        with pytest.raises(StoreUnavailable, match="EndpointConnectionError"):
            call(stores.counter, stores.connections)


def test_the_value_is_read_consistently(stubbed: Stores, stub: Stubber) -> None:
    stub.add_response(
        "get_item",
        {"Item": {"value": {"N": "42"}}},
        {"TableName": "counter", "Key": {"id": {"S": "global"}}, "ConsistentRead": True},
    )
    assert stubbed.counter.value() == 42


def test_a_row_without_a_value_counts_as_zero(stubbed: Stores, stub: Stubber) -> None:
    stub.add_response("get_item", {"Item": {"id": {"S": "global"}}})
    assert stubbed.counter.value() == 0


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
