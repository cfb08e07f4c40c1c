"""What every store does when DynamoDB refuses, fails and keeps silent."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.stub import Stubber

from counter_service.runtime.core.errors import StoreBusy, StoreUnavailable
from counter_service.runtime.core.ports import Connection
from counter_service.runtime.dynamodb.client import BUSY
from tests.unit.local_server import HANG_UP, SILENCE
from tests.unit.stores import Stores

pytestmark = pytest.mark.usefixtures("aws_environment", "no_backoff")

OP = "q7Rk_3sYd-2oFiAC:1"

# Every method that may be repeated, and the DynamoDB operation behind it.
REPEATABLE = {
    "increment_once": ("transact_write_items", lambda counter, _: counter.increment_once(OP, 9)),
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


@repeatable
@pytest.mark.parametrize(
    ("code", "status"), [("ThrottlingException", 400), ("InternalServerError", 500)]
)
def test_says_that_the_table_is_unavailable(
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
    assert isinstance(caught.value, StoreBusy) is (code in BUSY)


@repeatable
@pytest.mark.parametrize("answer", [HANG_UP, SILENCE, 500], ids=["hangs up", "is silent", "fails"])
def test_is_sent_again_when_no_good_answer_comes(
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
    on_server: Callable[[int], Any], operation: str, call: Callable[..., Any]
) -> None:
    stores, server = on_server(200)
    server.close()
    with pytest.raises(StoreUnavailable, match="EndpointConnectionError"):
        call(stores.counter, stores.connections)
