from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from moto import mock_aws

from counter_service.runtime.core.backoff import Backoff
from counter_service.runtime.dynamodb.counter_store import DynamoCounterStore
from simulation.dynamodb import ITEM_WRITE_UNITS, TOKEN_MS, Client, Table
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


class Requests:
    """Requests to a table at planned times.

    Attributes:
        outcomes: The response to each, or the code of its error.
    """

    def __init__(self, table: Table) -> None:
        self.outcomes: dict[str, object] = {}
        self._table = table

    def at(self, ms: float, name: str, request: Callable[[], object]) -> None:
        def run() -> None:
            try:
                self.outcomes[name] = request()
            except ClientError as failure:
                reasons = failure.response.get("CancellationReasons")
                code = failure.response["Error"]["Code"]
                self.outcomes[name] = [each["Code"] for each in reasons] if reasons else code

        self._table.time.spawn(run, ms)


@pytest.fixture
def requests(table: Table) -> Requests:
    return Requests(table)


def test_transaction_holds_its_rows_until_it_commits(table: Table, requests: Requests) -> None:
    requests.at(0, "first", lambda: table.transact(transaction("1"), "a"))
    requests.at(9, "same row", lambda: table.transact(transaction("2"), "b"))
    requests.at(9, "same op", lambda: table.transact(transaction("1", "global#1"), "c"))
    requests.at(9, "another row", lambda: table.transact(transaction("3", "global#1"), "d"))
    requests.at(9, "single write", lambda: table.update(add_one()))
    requests.at(9, "read", lambda: table.get(["global"]))
    requests.at(11, "after", lambda: table.update(add_one())["value"])
    table.time.run()
    assert requests.outcomes == {
        "first": None,
        "same row": ["None", "TransactionConflict"],
        "same op": ["TransactionConflict", "None"],
        "another row": None,
        "single write": "TransactionConflictException",
        "read": [],
        "after": {"N": "2"},
    }
    assert (table.value, table.operations, table.conflicts) == (3, {"1", "3"}, 3)


def test_transaction_is_executed_once_for_each_token(table: Table, requests: Requests) -> None:
    requests.at(0, "first", lambda: table.transact(transaction("1"), "a"))
    requests.at(5, "in progress", lambda: table.transact(transaction("1"), "a"))
    requests.at(20, "same token", lambda: table.transact(transaction("1"), "a"))
    requests.at(20, "another token", lambda: table.transact(transaction("1"), "b"))
    requests.at(20 + TOKEN_MS, "token expired", lambda: table.transact(transaction("1"), "a"))
    table.time.run()
    assert requests.outcomes == {
        "first": None,
        "in progress": "TransactionInProgressException",
        "same token": None,
        "another token": ["ConditionalCheckFailed", "None"],
        "token expired": ["ConditionalCheckFailed", "None"],
    }
    assert table.value == 1


def test_simulated_row_limits_its_writes_per_second(table: Table, requests: Requests) -> None:
    for number in range(ITEM_WRITE_UNITS + 1):
        requests.at(0, f"{number}", lambda: bool(table.update(add_one())))
    requests.at(0, "another row", lambda: bool(table.update(add_one("global#1"))))
    requests.at(0, "transaction", lambda: table.transact(transaction("1"), "a"))
    requests.at(2, "later", lambda: table.transact(transaction("1"), "b"))
    table.time.run()
    assert requests.outcomes.pop(f"{ITEM_WRITE_UNITS}") == "ThrottlingException"
    assert requests.outcomes.pop("transaction") == ["None", "ThrottlingError"]
    assert requests.outcomes.pop("later") is None
    assert set(requests.outcomes.values()) == {True}


@pytest.mark.parametrize(
    ("fault", "counted"), [("request_lost", 0), ("reply_lost", 1), ("request_late", 1)]
)
@pytest.mark.parametrize("attempts", [1, 3])
def test_lost_request_is_counted_at_most_once_by_all_its_attempts(
    table: Table, fault: str, counted: int, attempts: int
) -> None:
    setattr(table.faults, fault, 1)
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
def test_simulated_table_responds_like_moto(
    moto: Any, table: Table, seed: int, shards: int
) -> None:
    """Moto executes one request after the other, so no two are concurrent here."""

    def responses(client: Any, no_retry_client: Any) -> list[object]:
        choices, backoff = Random(seed), Backoff(table.time, lambda: 0)
        store = DynamoCounterStore(
            "counter",
            client,
            no_retry_client,
            shards=shards,
            random=Random(seed).random,
            backoff=backoff,
        )
        calls: list[Callable[[], object]] = [
            store.increment,
            store.value,
            lambda: store.increment_once(f"{choices.randrange(10)}", 9),
        ]
        return [choices.choice(calls)() for _ in range(60)]

    simulated: list[object] = []
    table.time.spawn(lambda: simulated.extend(responses(Client(table, 3), Client(table, 1))))
    table.time.run()
    assert simulated == responses(moto, moto)
    rows = moto.scan(TableName="counter")["Items"]
    assert table.rows == {row["id"]["S"]: row for row in rows}
