"""The document's messages, over real sockets, to the graph's own function in the emulator."""

import json
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from uuid import uuid4

import pytest
from websockets.sync.client import ClientConnection

from .conftest import Product, ask, eventually, receive, receive_value


def test_get_current_tells_the_stored_value(product: Product, client: ClientConnection) -> None:
    answer = ask(client, '{"action":"get-current"}')
    assert answer == {"type": "counter-update", "value": product.stored_value()}


def test_increment_moves_every_client(product: Product) -> None:
    with product.connect() as one, product.connect() as other:
        before = ask(one, '{"action":"get-current"}')["value"]
        assert ask(one, '{"action":"increment"}') == {"type": "counter-update", "value": before + 1}
        receive_value(other, before + 1)
        assert product.stored_value() == before + 1


def test_fifty_clients_all_receive_one_increment(product: Product) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(product.connect()) for _ in range(50)]
        before = product.stored_value()
        clients[17].send('{"action":"increment"}')
        for client in clients:
            receive_value(client, before + 1)
        assert product.stored_value() == before + 1


def test_every_click_of_many_clients_counts(product: Product) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(product.connect()) for _ in range(5)]
        before = product.stored_value()
        for _ in range(10):
            for client in clients:
                client.send('{"action":"increment"}')
        for client in clients:
            receive_value(client, before + 50, timeout=60)
        assert product.stored_value() == before + 50


def test_a_click_that_is_sent_again_counts_once(product: Product) -> None:
    op_id = f"{uuid4().hex}:1"
    click = json.dumps({"action": "increment", "id": op_id})
    with product.connect() as one, product.connect() as other:
        before = ask(one, '{"action":"get-current"}')["value"]
        answer = {"type": "counter-update", "value": before + 1, "id": op_id}
        assert ask(one, click) == answer
        assert receive(other) == {"type": "counter-update", "value": before + 1}
        assert ask(one, click) == answer
        other.send(click)  # as after a reconnect
        while receive(other) != answer:
            pass
    assert product.stored_value() == before + 1


def test_the_row_of_a_click_expires_after_a_day(product: Product, client: ClientConnection) -> None:
    op_id = f"{uuid4().hex}:1"
    now = time.time()
    ask(client, json.dumps({"action": "increment", "id": op_id}))
    table = product.outputs["CounterTableName"]
    row = product.dynamodb().get_item(TableName=table, Key={"id": {"S": f"op#{op_id}"}})["Item"]
    assert now - 1 <= int(row["expiresAt"]["N"]) - 24 * 60 * 60 <= time.time()
    ttl = product.dynamodb().describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert (ttl["AttributeName"], ttl["TimeToLiveStatus"]) == ("expiresAt", "ENABLED")


BAD = {
    "not JSON": ("increment", "not-json"),
    "cut short": ('{"action":"increment"', "not-json"),
    "empty": ("", "not-json"),
    "a list": ('["increment"]', "not-an-object"),
    "a number": ("42", "not-an-object"),
    "no action": ("{}", "missing-action"),
    "an unknown action": ('{"action":"decrement"}', "unknown-action"),
    "an action that is no text": ('{"action":{"increment":1}}', "unknown-action"),
    "an id that is none": ('{"action":"increment","id":7}', "bad-id"),
    "more than 1 KB": (json.dumps({"action": "increment", "pad": "x" * 1024}), "too-large"),
    "binary junk": (b"\x00\xff\xfe\x80junk", "not-json"),
}


@pytest.mark.parametrize(("message", "code"), BAD.values(), ids=BAD)
def test_bad_input_gets_an_error_and_changes_nothing(
    product: Product, client: ClientConnection, message: str | bytes, code: str
) -> None:
    before = product.stored_value()
    answer = ask(client, message)
    assert (answer["type"], answer["code"]) == ("error", code)
    assert answer["message"]
    assert product.stored_value() == before
    # The connection and the function are as good as new.
    assert ask(client, '{"action":"get-current"}')["value"] == before


def test_bad_input_is_answered_to_its_sender_alone(product: Product) -> None:
    with product.connect() as one, product.connect() as other:
        assert ask(one, "junk")["type"] == "error"
        assert ask(other, '{"action":"get-current"}')["type"] == "counter-update"


def test_a_row_for_each_open_connection(product: Product) -> None:
    rows = product.connection_ids()
    with product.connect() as client:
        ask(client, '{"action":"get-current"}')
        assert len(product.connection_ids() - rows) == 1
    eventually(lambda: product.connection_ids() <= rows)


def test_rows_expire_two_hours_after_the_connection(product: Product) -> None:
    rows = product.connection_ids()
    with product.connect():
        (mine,) = product.connection_ids() - rows
        row = product.dynamodb().get_item(
            TableName=product.outputs["ConnectionsTableName"], Key={"connectionId": {"S": mine}}
        )["Item"]
        assert int(row["expiresAt"]["N"]) - int(row["connectedAt"]["N"]) == 2 * 60 * 60
        ttl = product.dynamodb().describe_time_to_live(
            TableName=product.outputs["ConnectionsTableName"]
        )["TimeToLiveDescription"]
        assert (ttl["AttributeName"], ttl["TimeToLiveStatus"]) == ("expiresAt", "ENABLED")


# Opens a socket, says so and waits to be killed.
VICTIM = """
import sys, time
from websockets.sync.client import connect
with connect(sys.argv[1], proxy=None):
    print("connected", flush=True)
    time.sleep(60)
"""


def test_a_client_killed_without_a_close_leaves_no_row(product: Product) -> None:
    rows = product.connection_ids()
    victim = subprocess.Popen(
        [sys.executable, "-c", VICTIM, product.url], stdout=subprocess.PIPE, text=True
    )
    with victim:
        assert victim.stdout
        assert victim.stdout.readline() == "connected\n"
        assert product.connection_ids() - rows
        victim.send_signal(signal.SIGKILL)
    with product.connect() as client:
        ask(client, '{"action":"increment"}')
    eventually(lambda: product.connection_ids() <= rows)


def test_a_ghost_is_removed_by_the_next_broadcast(
    product: Product, client: ClientConnection
) -> None:
    # Nobody told us that it went: no $disconnect, only the 410.
    product.put_connection("ghost-of-a-minute", age=60)
    ask(client, '{"action":"increment"}')
    eventually(lambda: "ghost-of-a-minute" not in product.connection_ids())


def test_a_connection_that_is_not_open_yet_keeps_its_row(
    product: Product, client: ClientConnection
) -> None:
    product.put_connection("handshake-going-on", age=0)
    value = ask(client, '{"action":"increment"}')["value"]
    ask(client, '{"action":"increment"}')
    assert product.stored_value() == value + 1
    assert "handshake-going-on" in product.connection_ids()


def test_an_expired_row_is_not_broadcast_to(product: Product, client: ClientConnection) -> None:
    # Posting to it would answer 410 and remove it: that it stays shows that nobody did.
    product.put_connection("expired", age=7300, expires_in=-100)
    ask(client, '{"action":"increment"}')
    ask(client, '{"action":"get-current"}')
    assert "expired" in product.connection_ids()


def test_a_missing_row_comes_back_with_get_current(product: Product) -> None:
    rows = product.connection_ids()
    with product.connect() as client, product.connect() as other:
        for row in product.connection_ids() - rows:
            product.dynamodb().delete_item(
                TableName=product.outputs["ConnectionsTableName"],
                Key={"connectionId": {"S": row}},
            )
        value = ask(client, '{"action":"get-current"}')["value"]
        ask(other, '{"action":"increment"}')
        assert receive(client) == {"type": "counter-update", "value": value + 1}


def test_a_broadcast_that_was_handed_over_goes_on(
    product: Product, client: ClientConnection
) -> None:
    answer = product.aws("lambda").invoke(
        FunctionName=product.outputs["FunctionName"],
        Payload=json.dumps({"counterService": "take-over"}),
    )
    assert json.loads(answer["Payload"].read()) == {"statusCode": 200}
    assert receive(client) == {"type": "counter-update", "value": product.stored_value()}


def test_what_a_crash_left_is_broadcast_by_the_next_question(
    product: Product, client: ClientConnection
) -> None:
    # As a function leaves it that is killed after the count: the lease taken, nobody told.
    table = product.outputs["CounterTableName"]
    product.dynamodb().update_item(
        TableName=table,
        Key={"id": {"S": "lease"}},
        UpdateExpression="SET broadcaster = :crashed, leaseUntil = :past",
        ExpressionAttributeValues={":crashed": {"S": "crashed"}, ":past": {"N": "1"}},
    )
    with product.connect() as other:
        ask(other, '{"action":"get-current"}')
    assert receive(client) == {"type": "counter-update", "value": product.stored_value()}
    lease = product.dynamodb().get_item(TableName=table, Key={"id": {"S": "lease"}})["Item"]
    assert "broadcaster" not in lease


def test_a_foreign_client_from_the_command_line(product: Product) -> None:
    value = product.stored_value()
    cli = subprocess.run(
        [sys.executable, "-m", "websockets", product.url],
        input='{"action":"increment"}\n',
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    eventually(lambda: product.stored_value() == value + 1)
    assert cli.returncode == 0, cli.stderr
