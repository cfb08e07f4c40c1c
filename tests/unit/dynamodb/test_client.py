"""The behaviour of every adapter when DynamoDB rejects a request, fails or does not respond."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.errorfactory import ClientExceptionsFactory
from botocore.stub import Stubber

from counter_service.runtime.core.broadcast import STORE_MS
from counter_service.runtime.core.errors import StoreBusy, StoreUnavailable
from counter_service.runtime.core.ports import Connection
from counter_service.runtime.dynamodb.client import (
    BUSY,
    CONDITION_FAILED,
    TRANSACTION_CANCELED,
    WITH_RETRIES,
)
from tests.unit.local_server import HANG_UP, SILENCE, LocalServer
from tests.unit.stores import Stores

pytestmark = pytest.mark.usefixtures("aws_environment", "no_backoff")

OP = "q7Rk_3sYd-2oFiAC:1"
Call = Callable[[Stores], object]
OnServer = Callable[[int], tuple[Stores, LocalServer]]

# Every method that may be retried, and the DynamoDB operation that it calls.
REPEATABLE: dict[str, tuple[str, Call]] = {
    "increment_once": ("transact_write_items", lambda on: on.counter.increment_once(OP, 9)),
    "value": ("get_item", lambda on: on.counter.value()),
    "put": ("put_item", lambda on: on.connections.put(Connection("a", 0))),
    "remove": ("delete_item", lambda on: on.connections.remove("a")),
    "remove_gone": ("delete_item", lambda on: on.connections.remove_gone(["a"], 0)),
    "count_message": ("update_item", lambda on: on.connections.count_message("a", 0, 1)),
    "audience": ("scan", lambda on: list(on.connections.audience(0))),
    "request": ("update_item", lambda on: on.lease.request("me", 1, 2)),
    "release": ("update_item", lambda on: on.lease.release("me", 1, 2)),
    "abandon": ("update_item", lambda on: on.lease.abandon("me")),
    "is_expired": ("get_item", lambda on: on.lease.is_expired(1)),
}
CALLS = {name: call for name, (_, call) in REPEATABLE.items()}


@pytest.mark.parametrize(("operation", "call"), REPEATABLE.values(), ids=REPEATABLE)
@pytest.mark.parametrize(
    ("code", "status"), [("ThrottlingException", 400), ("InternalServerError", 500)]
)
def test_adapter_translates_an_error_of_dynamodb(
    stubbed: Stores, stub: Stubber, operation: str, call: Call, code: str, status: int
) -> None:
    stub.add_client_error(operation, code, http_status_code=status)
    with pytest.raises(StoreUnavailable) as caught:
        call(stubbed)
    assert caught.value.reason == code
    assert isinstance(caught.value, StoreBusy) is (code in BUSY)


@pytest.mark.parametrize(
    "name", ["increment_once", "put", "remove_gone", "count_message", "release", "abandon"]
)
def test_adapter_knows_a_refusal_whatever_the_class_of_its_error(
    monkeypatch: pytest.MonkeyPatch, stubbed: Stores, stub: Stubber, name: str
) -> None:
    """botocore creates the classes twice if two threads need them first at the same time."""

    def created_again(client: Any) -> object:
        return ClientExceptionsFactory().create_client_exceptions(client.meta.service_model)

    monkeypatch.setattr(type(stubbed.client), "exceptions", property(created_again))
    refusals = {"CancellationReasons": [{"Code": "ConditionalCheckFailed"}, {"Code": "None"}]}
    operation, call = REPEATABLE[name]
    if name == "increment_once":
        stub.add_client_error(operation, TRANSACTION_CANCELED, modeled_fields=refusals)
    else:
        stub.add_client_error(operation, CONDITION_FAILED)
    assert call(stubbed) in (None, False, 0)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    "response", [HANG_UP, SILENCE, 500], ids=["hangs up", "is silent", "fails"]
)
def test_adapter_sends_two_requests_without_a_good_response(
    on_server: OnServer, call: Call, response: int
) -> None:
    stores, server = on_server(response)
    with pytest.raises(StoreUnavailable):
        call(stores)
    assert server.count_once_there_are(2) == 2


NEVER_SENT = CALLS | {"increment": lambda on: on.counter.increment()}
# The operation that each call's error names.
FAILED = {
    **dict.fromkeys(("increment", "increment_once"), "increment"),
    "value": "reading the counter",
    "put": "recording a connection",
    "remove": "deleting a connection",
    "remove_gone": "deleting stale connections",
    "count_message": "limiting messages",
    "audience": "listing the audience",
    **dict.fromkeys(("request", "release", "abandon"), "the broadcast lease"),
    "is_expired": "reading the lease",
}


@pytest.mark.parametrize("name", NEVER_SENT)
def test_adapter_is_unavailable_without_a_connection(on_server: OnServer, name: str) -> None:
    """A request that was never sent changed nothing, not even one that must not be retried."""
    stores, server = on_server(200)
    server.close()
    message = rf"^{FAILED[name]} failed \(EndpointConnectionError\)"
    with pytest.raises(StoreUnavailable, match=message):
        NEVER_SENT[name](stores)


def test_slowest_call_ends_within_the_time_that_a_broadcast_allows() -> None:
    attempts = WITH_RETRIES.retries["total_max_attempts"]
    seconds_of_an_attempt = WITH_RETRIES.connect_timeout + WITH_RETRIES.read_timeout
    longest_pause_seconds = 1
    longest = attempts * seconds_of_an_attempt + (attempts - 1) * longest_pause_seconds
    assert longest * 1000 == STORE_MS
