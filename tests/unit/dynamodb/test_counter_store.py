"""Cases that tests/contracts cannot cause: tables that reject, fail and do not respond."""

import json
from collections.abc import Callable
from contextlib import closing
from typing import Any
from unittest.mock import Mock

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from counter_service.runtime.core.backoff import ATTEMPTS
from counter_service.runtime.core.errors import (
    OutcomeUnknown,
    StoreBusy,
    StoreError,
    StoreUnavailable,
)
from tests.unit.local_server import HANG_UP, SILENCE, LocalServer, Respond
from tests.unit.raw_server import Reply
from tests.unit.stores import Stores

pytestmark = pytest.mark.usefixtures("aws_environment", "no_backoff")

OP = "q7Rk_3sYd-2oFiAC:1"
Serve = Callable[[Respond], LocalServer]


def outcome_of(call: Callable[[], object]) -> object:
    """The result of a call, or the type, operation and reason of its exception."""
    try:
        return call()
    except StoreError as error:
        return type(error), error.operation, error.reason


BUSY = (StoreBusy, "increment")
UNAVAILABLE = (StoreUnavailable, "increment")


# --- clicks without an op id ---


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [
        # A 4xx changed nothing.
        ("AccessDeniedException", 400, StoreUnavailable),
        ("TheLastOfThem", 499, StoreUnavailable),
        ("ProvisionedThroughputExceededException", 400, StoreBusy),
        ("RequestLimitExceeded", 400, StoreBusy),
        ("ThrottlingException", 400, StoreBusy),
        ("TransactionConflictException", 400, StoreBusy),
        # Any other status may have counted.
        ("InternalServerError", 500, OutcomeUnknown),
        ("SomethingElse", 302, OutcomeUnknown),
    ],
)
def test_increment_error_states_whether_the_click_may_have_counted(
    stubbed: Stores, no_retry_stub: Stubber, code: str, status: int, error: type[StoreError]
) -> None:
    no_retry_stub.add_client_error("update_item", code, http_status_code=status)
    assert outcome_of(stubbed.counter.increment) == (error, "increment", code)


def test_increment_may_have_counted_after_a_response_without_a_status(
    stubbed: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    update_item = Mock(side_effect=ClientError({}, "UpdateItem"))
    monkeypatch.setattr(stubbed.no_retry_client, "update_item", update_item)
    assert outcome_of(stubbed.counter.increment) == (OutcomeUnknown, "increment", "unknown")


@pytest.mark.parametrize(
    "response", [HANG_UP, SILENCE, 500], ids=["hangs up", "is silent", "fails"]
)
def test_increment_is_sent_once_even_on_a_kept_connection(serve: Serve, response: int) -> None:
    """botocore's default is up to ten requests, and HTTP libraries resend on kept connections."""
    responses = iter([400, *[response] * 10])
    server = serve(lambda _: next(responses))
    with closing(Stores(server.url, Config(read_timeout=1))) as stores:
        for expected in (StoreUnavailable, OutcomeUnknown):
            with pytest.raises(expected, match=r"^increment "):
                stores.counter.increment()
    assert len(server.received) == 2


# --- clicks with an op id ---

# The reason that DynamoDB gives for each item, "None" for those without a problem.
CANCELLATIONS = [
    (("ConditionalCheckFailed", "None"), False),
    (("ConditionalCheckFailed", "TransactionConflict"), False),
    (("None", "TransactionConflict"), (*BUSY, "TransactionConflict")),
    (("TransactionConflict", "None"), (*BUSY, "TransactionConflict")),
    (("None", "ThrottlingError"), (*BUSY, "ThrottlingError")),
    (("ProvisionedThroughputExceeded", "None"), (*BUSY, "ProvisionedThroughputExceeded")),
    (("None", "ValidationError"), (*UNAVAILABLE, "ValidationError")),
    (("None", "None"), (*UNAVAILABLE, "unknown")),
]


@pytest.mark.parametrize(("codes", "outcome"), CANCELLATIONS)
def test_increment_once_counts_nothing_if_its_transaction_is_cancelled(
    stubbed: Stores, stub: Stubber, codes: tuple[str, str], outcome: object
) -> None:
    reasons = {"CancellationReasons": [{"Code": code} for code in codes]}
    stub.add_client_error(
        "transact_write_items", "TransactionCanceledException", modeled_fields=reasons
    )
    assert outcome_of(lambda: stubbed.counter.increment_once(OP, 9)) == outcome


def test_increment_once_is_retried_with_the_same_token(on_server: Callable[..., Any]) -> None:
    """DynamoDB then applies a transaction whose response was lost only once."""
    stores, server = on_server(HANG_UP)
    for sent in (2, 4):
        with pytest.raises(StoreUnavailable):
            stores.counter.increment_once(OP, 9)
        assert server.count_once_there_are(sent) == sent
    tokens = [json.loads(request.body)["ClientRequestToken"] for request in server.received]
    assert [len(set(tokens[:2])), len(set(tokens[2:])), len(set(tokens))] == [1, 1, 2]


@pytest.mark.parametrize(
    ("code", "requests", "outcome"),
    [
        # The SDK's pauses of up to a second are too long for a conflict of some milliseconds.
        ("TransactionCanceledException", 1, (*UNAVAILABLE, "unknown")),
        # The call's own transaction, whose response was lost: it may count.
        ("TransactionInProgressException", 2, (*BUSY, "TransactionInProgressException")),
    ],
)
def test_sdk_retries_a_transaction_only_while_it_is_in_progress(
    serve: Serve, code: str, requests: int, outcome: object
) -> None:
    body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}"}).encode()
    server = serve(lambda _: Reply.of(400, body=body))
    with closing(Stores(server.url)) as stores:
        assert outcome_of(lambda: stores.counter.increment_once(OP, 9)) == outcome
    assert len(server.received) == requests


# --- the value and its shards ---


def asked(*names: str) -> dict[str, Any]:
    keys = [{"id": {"S": name}} for name in names]
    return {"RequestItems": {"counter": {"Keys": keys, "ConsistentRead": True}}}


def row(name: str, **numbers: int) -> dict[str, dict[str, str]]:
    return {"id": {"S": name}} | {key: {"N": str(number)} for key, number in numbers.items()}


def batch_response(*rows: dict[str, dict[str, str]], unprocessed: Any = None) -> dict[str, Any]:
    waiting = unprocessed["RequestItems"] if unprocessed else {}
    return {"Responses": {"counter": list(rows)}, "UnprocessedKeys": waiting}


@pytest.mark.parametrize(("item", "value"), [(row("global", value=42), 42), (row("global"), 0)])
def test_counter_value_is_read_consistently(
    stubbed: Stores, stub: Stubber, item: Any, value: int
) -> None:
    request = {"TableName": "counter", "Key": {"id": {"S": "global"}}, "ConsistentRead": True}
    stub.add_response("get_item", {"Item": item}, request)
    assert stubbed.counter.value() == value


def test_shards_are_announced_before_the_first_click(
    stubbed: Stores, stub: Stubber, no_retry_stub: Stubber
) -> None:
    """An instance with fewer shards would not read the row that the click goes to."""
    stub.add_client_error("update_item", "InternalServerError", http_status_code=500)
    counter = stubbed.counter_with(shards=4, chosen=3)
    with pytest.raises(StoreUnavailable, match=r"^announcing shards failed "):
        counter.increment()
    announcement = {
        "TableName": "counter",
        "Key": {"id": {"S": "global"}},
        "UpdateExpression": "SET #shards = :shards",
        "ConditionExpression": "attribute_not_exists(#shards) OR #shards < :shards",
        "ExpressionAttributeNames": {"#shards": "shards"},
        "ExpressionAttributeValues": {":shards": {"N": "4"}},
    }
    stub.add_response("update_item", {}, announcement)
    for _ in range(2):
        no_retry_stub.add_response("update_item", {"Attributes": row("global#3", value=7)})
        assert counter.increment() is None


@pytest.mark.parametrize(("chosen", "name"), [(0, "global"), (1, "global#1"), (3, "global#3")])
def test_click_with_an_op_id_is_one_transaction_on_the_chosen_shard(
    stubbed: Stores, stub: Stubber, chosen: int, name: str
) -> None:
    # Another instance announced as many shards, so this one need not announce them again.
    stub.add_client_error("update_item", "ConditionalCheckFailedException")
    counter = stubbed.counter_with(shards=4, chosen=chosen)
    put = {
        "TableName": "counter",
        "Item": {"id": {"S": f"op#{OP}"}, "expiresAt": {"N": "9"}},
        "ConditionExpression": "attribute_not_exists(#id)",
        "ExpressionAttributeNames": {"#id": "id"},
    }
    update = {
        "TableName": "counter",
        "Key": {"id": {"S": name}},
        "UpdateExpression": "ADD #value :one",
        "ExpressionAttributeNames": {"#value": "value"},
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }
    request = {"TransactItems": [{"Put": put}, {"Update": update}]}
    for _ in range(2):
        stub.add_response("transact_write_items", {}, request)
        assert counter.increment_once(OP, 9) is True


def test_shards_that_throttling_left_out_are_read_again(stubbed: Stores, stub: Stubber) -> None:
    both, second = asked("global", "global#1"), asked("global#1")
    stub.add_response(
        "batch_get_item", batch_response(row("global", value=5), unprocessed=second), both
    )
    stub.add_response("batch_get_item", batch_response(unprocessed=second), second)
    stub.add_response("batch_get_item", batch_response(row("global#1", value=7)), second)
    stubbed.clock.sleeps.clear()
    assert stubbed.counter_with(shards=2).value() == 12
    assert stubbed.clock.sleeps == [10, 20]


def test_counter_is_busy_while_its_shards_cannot_be_read(stubbed: Stores, stub: Stubber) -> None:
    both = asked("global", "global#1")
    for _ in range(ATTEMPTS):
        stub.add_response("batch_get_item", batch_response(unprocessed=both), both)
    busy = (StoreBusy, "reading the counter", "UnprocessedKeys")
    assert outcome_of(stubbed.counter_with(shards=2).value) == busy


def test_shards_of_an_earlier_configuration_are_remembered(stubbed: Stores, stub: Stubber) -> None:
    first = row("global", value=5, shards=3)
    others = batch_response(row("global#2", value=7))
    stub.add_response("get_item", {"Item": first})
    stub.add_response("batch_get_item", others, asked("global#1", "global#2"))
    counter = stubbed.counter_with(shards=1)
    assert counter.value() == 12
    everything = asked("global", "global#1", "global#2")
    stub.add_response("batch_get_item", batch_response(first, row("global#2", value=8)), everything)
    assert counter.value() == 13
