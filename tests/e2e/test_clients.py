"""The document's messages, over real sockets, to the graph's own function in the emulator."""

import json
import socket
import time
from contextlib import ExitStack
from uuid import uuid4

import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.frames import CloseCode
from websockets.sync.client import ClientConnection

from counter_service.runtime.core.events import continue_broadcast
from counter_service.runtime.core.ports import Progress
from counter_service.runtime.dynamodb.lease import DynamoBroadcastLease

from .conftest import Product, eventually, receive, receive_value, request

GET_CURRENT = '{"action":"get-current"}'
INCREMENT = '{"action":"increment"}'
TWO_HOURS = 2 * 60 * 60


def update(value: int, **op_id: str) -> dict[str, object]:
    return {"type": "counter-update", "value": value, **op_id}


def test_get_current_returns_the_stored_value(product: Product, client: ClientConnection) -> None:
    assert request(client, GET_CURRENT) == update(product.stored_value())


def test_increment_reaches_fifty_clients(product: Product) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(product.connect()) for _ in range(50)]
        before = product.stored_value()
        assert request(clients[17], INCREMENT) == update(before + 1)
        for client in clients[:17] + clients[18:]:
            receive_value(client, before + 1)
        assert product.stored_value() == before + 1


def test_every_click_of_many_clients_counts(product: Product) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(product.connect()) for _ in range(5)]
        before = product.stored_value()
        for _ in range(10):
            for client in clients:
                client.send(INCREMENT)
        for client in clients:
            receive_value(client, before + 50, timeout=60)
        assert product.stored_value() == before + 50


def test_a_click_that_is_retried_counts_once(product: Product) -> None:
    op_id = f"{uuid4().hex}:1"
    click = json.dumps({"action": "increment", "id": op_id})
    with product.connect() as one, product.connect() as other:
        before = request(one, GET_CURRENT)["value"]
        assert request(one, click) == update(before + 1, id=op_id)
        assert receive(other) == update(before + 1)
        assert request(one, click) == update(before + 1, id=op_id)
        other.send(click)  # as after a reconnect
        while receive(other) != update(before + 1, id=op_id):
            pass
    assert product.stored_value() == before + 1


# One of each kind. tests/wire has the others.
BAD = {
    "not JSON": ("increment", "not-json"),
    "an unknown action": ('{"action":"reset"}', "unknown-action"),
    "more than 1 KB": (json.dumps({"action": "increment", "pad": "x" * 1024}), "too-large"),
}


@pytest.mark.parametrize(("message", "code"), BAD.values(), ids=BAD)
def test_bad_input_gets_an_error_and_changes_nothing(
    product: Product, client: ClientConnection, message: str, code: str
) -> None:
    before = product.stored_value()
    with product.connect() as other:
        error = request(client, message)
        assert (error["type"], error["code"]) == ("error", code)
        assert error["message"]
        assert request(client, GET_CURRENT) == update(before)
        assert request(other, GET_CURRENT) == update(before), "another client got the error"
    assert product.stored_value() == before


def test_a_binary_frame_closes_its_connection_and_counts_nothing(product: Product) -> None:
    before = product.stored_value()
    with product.connect() as client:
        client.send(b"\x00\xff\xfe\x80junk")
        with pytest.raises(ConnectionClosedError) as closed:
            client.recv()
    assert closed.value.rcvd
    assert closed.value.rcvd.code == CloseCode.UNSUPPORTED_DATA
    assert product.stored_value() == before


def test_an_open_connection_has_a_row_that_expires_after_two_hours(product: Product) -> None:
    rows = product.connection_ids()
    table = product.outputs["ConnectionsTableName"]
    dynamodb = product.aws("dynamodb")
    with product.connect():
        (mine,) = product.connection_ids() - rows
        row = dynamodb.get_item(TableName=table, Key={"connectionId": {"S": mine}})["Item"]
        assert int(row["expiresAt"]["N"]) - int(row["connectedAt"]["N"]) == TWO_HOURS
    eventually(lambda: product.connection_ids() <= rows)


@pytest.mark.parametrize("output", ["ConnectionsTableName", "CounterTableName"])
def test_both_tables_delete_expired_rows(product: Product, output: str) -> None:
    table = product.outputs[output]
    ttl = product.aws("dynamodb").describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert (ttl["AttributeName"], ttl["TimeToLiveStatus"]) == ("expiresAt", "ENABLED")


def test_a_client_that_ends_without_a_close_leaves_no_row(product: Product) -> None:
    rows = product.connection_ids()
    with product.connect() as client:
        assert product.connection_ids() - rows
        client.socket.shutdown(socket.SHUT_RDWR)  # as the kernel does for a killed process
        with product.connect() as other:
            request(other, INCREMENT)
        eventually(lambda: product.connection_ids() <= rows)


def test_a_broadcast_removes_only_the_row_of_a_stale_connection(
    product: Product, client: ClientConnection
) -> None:
    # A post to any of them would get 410.
    product.put_connection("stale", age=60)
    product.put_connection("handshake-under-way", age=0)  # too young to be removed
    product.put_connection("expired", age=TWO_HOURS + 100, expires_in=-100)  # gets no post
    value = request(client, INCREMENT)["value"]
    eventually(lambda: "stale" not in product.connection_ids())
    # The emulator runs one invocation at a time, so the broadcast has ended at this response.
    assert request(client, GET_CURRENT) == update(value)
    assert {"handshake-under-way", "expired"} <= product.connection_ids()
    assert product.stored_value() == value


def test_a_self_invocation_continues_the_broadcast(
    product: Product, client: ClientConnection
) -> None:
    lease = DynamoBroadcastLease(product.outputs["CounterTableName"], product.aws("dynamodb"))
    ticket = lease.request("me", 0, int(time.time()) + 60)
    assert ticket
    response = product.aws("lambda").invoke(
        FunctionName=product.outputs["FunctionName"],
        Payload=json.dumps(continue_broadcast(Progress("me", ticket))),
    )
    assert json.loads(response["Payload"].read()) == {"statusCode": 200}
    assert receive(client) == update(product.stored_value())


def test_get_current_resumes_the_broadcast_of_a_crashed_invocation(
    product: Product, client: ClientConnection
) -> None:
    # An invocation that is killed after it counted leaves the lease taken, and posts nothing.
    table = product.outputs["CounterTableName"]
    dynamodb = product.aws("dynamodb")
    dynamodb.update_item(
        TableName=table,
        Key={"id": {"S": "lease"}},
        UpdateExpression="SET broadcaster = :crashed, leaseUntil = :past",
        ExpressionAttributeValues={":crashed": {"S": "crashed"}, ":past": {"N": "1"}},
    )
    with product.connect() as other:
        request(other, GET_CURRENT)
    assert receive(client) == update(product.stored_value())

    def lease() -> dict[str, object]:
        key = {"id": {"S": "lease"}}
        item: dict[str, object] = dynamodb.get_item(TableName=table, Key=key)["Item"]
        return item

    eventually(lambda: "broadcaster" not in lease())  # released after the broadcast
