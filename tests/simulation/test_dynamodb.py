"""The simulated table keeps DynamoDB's rules, and where moto knows them too, both say the same."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from moto import mock_aws

from counter_service.runtime.core.backoff import Backoff
from counter_service.runtime.dynamodb.counter_store import DynamoCounterStore
from simulation.dynamodb import ITEM_WRITE_UNITS, TOKEN_MS, Client, Faults, Table
from simulation.virtual_time import VirtualTime
from tests.contracts.aws import create_counter_table, isolate


@pytest.fixture
def table() -> Table:
    return Table(VirtualTime(), Random(1), one_way_ms=(0, 0), transaction_ms=(10, 10))


def transaction(op_id: str, row: str = "global") -> list[dict[str, Any]]:
    put = {
        "Item": {"id": {"S": f"op#{op_id}"}},
        "ConditionExpression": "attribute_not_exists(#id)",
    }
    return [{"Put": put}, {"Update": add_one(row)}]


def add_one(row: str = "global") -> dict[str, Any]:
    return {"Key": {"id": {"S": row}}, "UpdateExpression": "ADD #value :one"}


class At:
    """What requests at some milliseconds come to: an error's code, or what was answered."""

    def __init__(self, table: Table) -> None:
        self.outcomes: dict[str, object] = {}
        self._table = table

    def __call__(self, ms: float, name: str, request: Callable[[], object]) -> None:
        def run() -> None:
            try:
                self.outcomes[name] = request()
            except ClientError as failure:
                reasons = failure.response.get("CancellationReasons")
                code = failure.response["Error"]["Code"]
                self.outcomes[name] = [each["Code"] for each in reasons] if reasons else code

        self._table.time.spawn(run, ms)


@pytest.fixture
def at(table: Table) -> At:
    return At(table)


def test_a_transaction_holds_its_rows_until_it_commits(table: Table, at: At) -> None:
    at(0, "first", lambda: table.transact(transaction("1"), "a"))
    at(9, "same row", lambda: table.transact(transaction("2"), "b"))
    at(9, "same op", lambda: table.transact(transaction("1", "global#1"), "c"))
    at(9, "another row", lambda: table.transact(transaction("3", "global#1"), "d"))
    at(9, "single write", lambda: table.update(add_one()))
    at(9, "read", lambda: table.get(["global"]))
    at(11, "after", lambda: table.update(add_one())["value"])
    table.time.run()
    assert at.outcomes == {
        "first": None,
        "same row": ["None", "TransactionConflict"],
        "same op": ["TransactionConflict", "None"],
        "another row": None,
        "single write": "TransactionConflictException",
        "read": [],
        "after": {"N": "2"},
    }
    assert (table.value, table.operations, table.conflicts) == (3, {"1", "3"}, 3)


def test_a_token_makes_a_transaction_happen_once(table: Table, at: At) -> None:
    at(0, "first", lambda: table.transact(transaction("1"), "a"))
    at(5, "meanwhile", lambda: table.transact(transaction("1"), "a"))
    at(20, "again", lambda: table.transact(transaction("1"), "a"))
    at(20, "another", lambda: table.transact(transaction("1"), "b"))
    at(20 + TOKEN_MS, "forgotten", lambda: table.transact(transaction("1"), "a"))
    table.time.run()
    assert at.outcomes == {
        "first": None,
        "meanwhile": "TransactionInProgressException",
        "again": None,
        "another": ["ConditionalCheckFailed", "None"],
        "forgotten": ["ConditionalCheckFailed", "None"],
    }
    assert table.value == 1


def test_a_row_takes_so_many_writes_a_second(table: Table, at: At) -> None:
    for number in range(ITEM_WRITE_UNITS + 1):
        at(0, f"{number}", lambda: bool(table.update(add_one())))
    at(0, "another row", lambda: bool(table.update(add_one("global#1"))))
    at(0, "transaction", lambda: table.transact(transaction("1"), "a"))
    at(2, "later", lambda: table.transact(transaction("1"), "b"))
    table.time.run()
    assert at.outcomes.pop(f"{ITEM_WRITE_UNITS}") == "ThrottlingException"
    assert at.outcomes.pop("transaction") == ["None", "ThrottlingError"]
    assert at.outcomes.pop("later") is None
    assert set(at.outcomes.values()) == {True}


@pytest.mark.parametrize(
    ("faults", "counted"),
    [(Faults(request_lost=1), 0), (Faults(reply_lost=1), 1), (Faults(request_late=1), 1)],
)
@pytest.mark.parametrize("attempts", [1, 3])
def test_what_is_lost_is_a_timeout_whatever_happened(
    table: Table, faults: Faults, counted: int, attempts: int
) -> None:
    """However often it is sent, for all of the call's requests have one token."""
    table.faults = faults
    timeouts = []

    def call() -> None:
        with pytest.raises(ReadTimeoutError) as caught:
            Client(table, attempts).transact_write_items(TransactItems=transaction("1"))
        timeouts.append(caught.value)

    table.time.spawn(call)
    table.time.run()
    assert len(timeouts) == 1
    assert (len(table.operations), table.value) == (counted, counted)


@pytest.fixture
def moto(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    isolate(monkeypatch)
    with mock_aws():
        client = boto3.client("dynamodb")
        create_counter_table(client, "counter")
        yield client


@pytest.mark.parametrize("shards", [1, 4])
@pytest.mark.parametrize("seed", range(3))
def test_says_what_moto_says(moto: Any, table: Table, seed: int, shards: int) -> None:
    """Of requests that come one after the other, which is what moto knows."""

    def history(client: Any, once: Any) -> list[object]:
        dice, choices = Random(seed), Random(seed)
        backoff = Backoff(table.time, lambda: 0)
        store = DynamoCounterStore(
            "counter", client, once, shards=shards, random=dice.random, backoff=backoff
        )
        calls: list[Callable[[], object]] = [
            store.increment,
            store.value,
            lambda: store.increment_once(f"{choices.randrange(10)}", 9),
        ]
        return [choices.choice(calls)() for _ in range(60)]

    told: list[object] = []
    table.time.spawn(lambda: told.extend(history(Client(table, 3), Client(table, 1))))
    table.time.run()
    assert told == history(moto, moto)
    rows = moto.scan(TableName="counter")["Items"]
    assert table.rows == {row["id"]["S"]: row for row in rows}
