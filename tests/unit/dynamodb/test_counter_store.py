"""What the contract suite cannot make happen: tables that refuse, fail and keep silent."""

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from counter_service.runtime.core.backoff import ATTEMPTS, Backoff
from counter_service.runtime.core.errors import OutcomeUnknown, StoreBusy, StoreUnavailable
from counter_service.runtime.dynamodb.counter_store import DynamoCounterStore
from simulation.fakes import FakeClock
from tests.unit.local_server import HANG_UP, SILENCE, Answer, LocalServer
from tests.unit.stores import Stores

pytestmark = pytest.mark.usefixtures("aws_environment", "no_backoff")

OP = "q7Rk_3sYd-2oFiAC:1"


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
        self, stubbed: Stores, no_retry_stub: Stubber, code: str, status: int
    ) -> None:
        no_retry_stub.add_client_error("update_item", code, http_status_code=status)
        with pytest.raises(StoreUnavailable) as caught:
            stubbed.counter.increment()
        assert (caught.value.operation, caught.value.reason) == ("increment", code)

    @pytest.mark.parametrize(
        "code", ["TransactionConflictException", "ThrottlingException", "RequestLimitExceeded"]
    )
    def test_a_refusal_of_a_moment_is_worth_trying_again(
        self, stubbed: Stores, no_retry_stub: Stubber, code: str
    ) -> None:
        no_retry_stub.add_client_error("update_item", code, http_status_code=400)
        with pytest.raises(StoreBusy) as caught:
            stubbed.counter.increment()
        assert caught.value.reason == code

    @pytest.mark.parametrize(
        ("code", "status"),
        [("InternalServerError", 500), ("ServiceUnavailable", 503), ("SomethingElse", 302)],
    )
    def test_a_failure_may_have_counted(
        self, stubbed: Stores, no_retry_stub: Stubber, code: str, status: int
    ) -> None:
        no_retry_stub.add_client_error("update_item", code, http_status_code=status)
        with pytest.raises(OutcomeUnknown) as caught:
            stubbed.counter.increment()
        assert (caught.value.operation, caught.value.reason) == ("increment", code)

    def test_an_answer_without_a_status_may_have_counted(self) -> None:
        class Garbled:
            def update_item(self, **_: object) -> None:
                raise ClientError({}, "UpdateItem")

        counter = DynamoCounterStore(
            "counter",
            client=None,
            no_retry_client=Garbled(),
            shards=1,
            random=lambda: 0,
            backoff=Backoff(FakeClock(), lambda: 0),
        )
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


TRANSACTION = {
    "TransactItems": [
        {
            "Put": {
                "TableName": "counter",
                "Item": {"id": {"S": f"op#{OP}"}, "expiresAt": {"N": "9"}},
                "ConditionExpression": "attribute_not_exists(#id)",
                "ExpressionAttributeNames": {"#id": "id"},
            }
        },
        {
            "Update": {
                "TableName": "counter",
                "Key": {"id": {"S": "global"}},
                "UpdateExpression": "ADD #value :one",
                "ExpressionAttributeNames": {"#value": "value"},
                "ExpressionAttributeValues": {":one": {"N": "1"}},
            }
        },
    ],
}


class TestIncrementOnce:
    def cancel(self, stub: Stubber, *codes: str) -> None:
        """As DynamoDB does: a reason for each item, "None" for those that were fine."""
        stub.add_client_error(
            "transact_write_items",
            "TransactionCanceledException",
            http_status_code=400,
            modeled_fields={"CancellationReasons": [{"Code": code} for code in codes]},
        )

    def test_is_one_transaction(self, stubbed: Stores, stub: Stubber) -> None:
        stub.add_response("transact_write_items", {}, TRANSACTION)
        assert stubbed.counter.increment_once(OP, 9) is True

    @pytest.mark.parametrize("counter", ["None", "TransactionConflict", "ThrottlingError"])
    def test_a_row_that_is_there_was_counted(
        self, stubbed: Stores, stub: Stubber, counter: str
    ) -> None:
        """Whatever became of the other half."""
        self.cancel(stub, "ConditionalCheckFailed", counter)
        assert stubbed.counter.increment_once(OP, 9) is False

    @pytest.mark.parametrize(
        ("codes", "reason"),
        [
            (("None", "TransactionConflict"), "TransactionConflict"),
            (("TransactionConflict", "None"), "TransactionConflict"),
            (("TransactionConflict", "TransactionConflict"), "TransactionConflict"),
            (("None", "ThrottlingError"), "ThrottlingError"),
            (("ProvisionedThroughputExceeded", "None"), "ProvisionedThroughputExceeded"),
        ],
    )
    def test_a_cancellation_of_a_moment_is_worth_trying_again(
        self, stubbed: Stores, stub: Stubber, codes: tuple[str, str], reason: str
    ) -> None:
        self.cancel(stub, *codes)
        with pytest.raises(StoreBusy) as caught:
            stubbed.counter.increment_once(OP, 9)
        assert caught.value.reason == reason

    @pytest.mark.parametrize(
        ("codes", "reason"),
        [
            (("None", "ValidationError"), "ValidationError"),
            (("None", "None"), "unknown"),
        ],
    )
    def test_any_other_cancellation_is_not(
        self, stubbed: Stores, stub: Stubber, codes: tuple[str, ...], reason: str
    ) -> None:
        self.cancel(stub, *codes)
        with pytest.raises(StoreUnavailable) as caught:
            stubbed.counter.increment_once(OP, 9)
        assert not isinstance(caught.value, StoreBusy)
        assert caught.value.reason == reason

    @pytest.mark.parametrize("answer", [HANG_UP, SILENCE, 500])
    def test_is_sent_again_with_the_token_of_the_call(
        self, on_server: Callable[[int], Any], answer: int
    ) -> None:
        """So DynamoDB knows the transaction whose answer was lost, and applies it once."""
        stores, server = on_server(answer)
        for sent in (3, 6):
            with pytest.raises(StoreUnavailable):
                stores.counter.increment_once(OP, 9)
            assert server.count_once_there_are(sent) == sent
        tokens = [json.loads(request.body)["ClientRequestToken"] for request in server.received]
        assert [len(set(tokens[:3])), len(set(tokens[3:])), len(set(tokens))] == [1, 1, 2]

    def test_a_cancelled_transaction_is_not_sent_again_by_the_sdk(self) -> None:
        """Whose pauses of up to a second are too long for a conflict of some milliseconds."""
        stores = Stores()
        sent = answer_with(stores.client, "TransactionCanceledException")
        with pytest.raises(StoreUnavailable):
            stores.counter.increment_once(OP, 9)
        assert len(sent) == 1

    def test_a_transaction_in_progress_is_asked_for_again(self) -> None:
        """Our own, whose answer was lost: the SDK waits for it, and to say that it was not
        counted would be wrong."""
        stores = Stores()
        sent = answer_with(stores.client, "TransactionInProgressException")
        with pytest.raises(StoreUnavailable) as caught:
            stores.counter.increment_once(OP, 9)
        assert not isinstance(caught.value, StoreBusy)
        assert len(sent) == 3


def answer_with(client: Any, code: str) -> list[str]:
    """Have DynamoDB answer with an error, below the SDK's retries; the URLs that were asked."""
    sent: list[str] = []
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}"}).encode()

    def answer(request: Any, **_: object) -> AWSResponse:
        sent.append(request.url)
        raw = Mock(stream=lambda: iter([body]))
        return AWSResponse(request.url, 400, {}, raw)

    client.meta.events.register("before-send.dynamodb", answer)
    return sent


class TestValue:
    def test_is_read_consistently(self, stubbed: Stores, stub: Stubber) -> None:
        key = {"id": {"S": "global"}}
        stub.add_response(
            "get_item",
            {"Item": {"value": {"N": "42"}}},
            {"TableName": "counter", "Key": key, "ConsistentRead": True},
        )
        assert stubbed.counter.value() == 42

    def test_of_a_row_without_one_is_zero(self, stubbed: Stores, stub: Stubber) -> None:
        stub.add_response("get_item", {"Item": {"id": {"S": "global"}}})
        assert stubbed.counter.value() == 0


def asked(*names: str) -> dict[str, Any]:
    keys = [{"id": {"S": name}} for name in names]
    return {"RequestItems": {"counter": {"Keys": keys, "ConsistentRead": True}}}


def row(name: str, value: int, **more: int) -> dict[str, dict[str, str]]:
    numbers = {"value": value, **more}
    return {"id": {"S": name}} | {key: {"N": str(number)} for key, number in numbers.items()}


def answer(*rows: dict[str, dict[str, str]], unprocessed: Any = None) -> dict[str, Any]:
    waiting = unprocessed["RequestItems"] if unprocessed else {}
    return {"Responses": {"counter": list(rows)}, "UnprocessedKeys": waiting}


class TestShards:
    def test_are_announced_before_the_first_click(
        self, stubbed: Stores, stub: Stubber, no_retry_stub: Stubber
    ) -> None:
        """Or an instance with fewer would not look where it lands."""
        stub.add_client_error("update_item", "InternalServerError", http_status_code=500)
        counter = stubbed.counter_with(shards=4, chosen=3)
        with pytest.raises(StoreUnavailable):
            counter.increment()
        stub.add_response(
            "update_item",
            {},
            {
                "TableName": "counter",
                "Key": {"id": {"S": "global"}},
                "UpdateExpression": "SET #shards = :shards",
                "ConditionExpression": "attribute_not_exists(#shards) OR #shards < :shards",
                "ExpressionAttributeNames": {"#shards": "shards"},
                "ExpressionAttributeValues": {":shards": {"N": "4"}},
            },
        )
        for _ in range(2):
            no_retry_stub.add_response("update_item", {"Attributes": row("global#3", 7)})
            assert counter.increment() is None

    def test_were_announced_before(self, stubbed: Stores, stub: Stubber) -> None:
        stub.add_client_error("update_item", "ConditionalCheckFailedException")
        counter = stubbed.counter_with(shards=4)
        for _ in range(2):
            stub.add_response("transact_write_items", {})
            assert counter.increment_once(OP, 9)

    @pytest.mark.parametrize(("chosen", "name"), [(0, "global"), (1, "global#1"), (3, "global#3")])
    def test_a_click_lands_on_one(
        self, stubbed: Stores, stub: Stubber, chosen: int, name: str
    ) -> None:
        stub.add_response("update_item", {})
        put, update = TRANSACTION["TransactItems"]
        moved = {"Update": update["Update"] | {"Key": {"id": {"S": name}}}}
        stub.add_response("transact_write_items", {}, TRANSACTION | {"TransactItems": [put, moved]})
        assert stubbed.counter_with(shards=4, chosen=chosen).increment_once(OP, 9)

    def test_are_read_in_one_request(self, stubbed: Stores, stub: Stubber) -> None:
        rows = [row("global", 5, shards=3), row("global#2", 7)]
        stub.add_response("batch_get_item", answer(*rows), asked("global", "global#1", "global#2"))
        assert stubbed.counter_with(shards=3).value() == 12

    def test_that_throttling_left_out_are_read_again(self, stubbed: Stores, stub: Stubber) -> None:
        both, second = asked("global", "global#1"), asked("global#1")
        stub.add_response("batch_get_item", answer(row("global", 5), unprocessed=second), both)
        stub.add_response("batch_get_item", answer(unprocessed=second), second)
        stub.add_response("batch_get_item", answer(row("global#1", 7)), second)
        stubbed.clock.sleeps.clear()
        assert stubbed.counter_with(shards=2).value() == 12
        assert stubbed.clock.sleeps == [10, 20]

    def test_that_are_never_read_make_the_counter_unavailable(
        self, stubbed: Stores, stub: Stubber
    ) -> None:
        both = asked("global", "global#1")
        for _ in range(ATTEMPTS):
            stub.add_response("batch_get_item", answer(unprocessed=both), both)
        with pytest.raises(StoreBusy, match="UnprocessedKeys"):
            stubbed.counter_with(shards=2).value()

    def test_of_an_earlier_configuration_are_found_and_remembered(
        self, stubbed: Stores, stub: Stubber
    ) -> None:
        first = row("global", 5, shards=3)
        stub.add_response("get_item", {"Item": first})
        stub.add_response(
            "batch_get_item", answer(row("global#2", 7)), asked("global#1", "global#2")
        )
        counter = stubbed.counter_with(shards=1)
        assert counter.value() == 12
        everything = asked("global", "global#1", "global#2")
        stub.add_response("batch_get_item", answer(first, row("global#2", 8)), everything)
        assert counter.value() == 13
