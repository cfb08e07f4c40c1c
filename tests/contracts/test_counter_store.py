from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

import pytest

from counter_service.runtime.core.ports import CounterStore
from tests.contracts.conftest import DynamoDB

T = TypeVar("T")

THREADS = 8
CLICKS = 10  # of each
TOMORROW = 1_772_631_800


def op_id(sequence: int, session: str = "contract-of-stores") -> str:
    return f"{session}:{sequence}"


def together(work: Callable[[int], T]) -> list[T]:
    """What each of several threads returns that start at the same moment."""
    start = Barrier(THREADS)

    def run(number: int) -> T:
        start.wait(timeout=10)
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_starts_at_zero(counter: CounterStore) -> None:
    assert counter.value() == 0


def test_the_value_is_what_was_incremented(counter: CounterStore) -> None:
    for expected in range(1, 4):
        # One that has to be read is not told.
        assert counter.increment() in (expected, None)
        assert counter.value() == expected


def test_reading_does_not_count(counter: CounterStore) -> None:
    counter.increment()
    assert [counter.value() for _ in range(3)] == [1, 1, 1]
    counter.increment()
    assert counter.value() == 2


def test_concurrent_increments_all_count(counter: CounterStore) -> None:
    values = together(lambda _: [counter.increment() for _ in range(CLICKS)])
    told = sorted(value for each in values for value in each if value is not None)
    assert told in ([], list(range(1, THREADS * CLICKS + 1)))
    assert counter.value() == THREADS * CLICKS


class TestWithAnOpId:
    def test_counts_once(self, counter: CounterStore) -> None:
        again = [counter.increment_once(op_id(1), TOMORROW) for _ in range(3)]
        assert again == [True, False, False]
        assert counter.value() == 1

    def test_another_id_is_another_click(self, counter: CounterStore) -> None:
        ids = [op_id(1), op_id(2), op_id(1, "another-session-id"), f"{op_id(1)}0"]
        assert [counter.increment_once(each, TOMORROW) for each in ids] == [True] * 4
        assert counter.value() == 4

    def test_goes_together_with_clicks_without(self, counter: CounterStore) -> None:
        counter.increment()
        counter.increment_once(op_id(1), TOMORROW)
        counter.increment()
        counter.increment_once(op_id(1), TOMORROW)
        assert counter.value() == 3

    def test_counts_once_whatever_comes_at_the_same_moment(self, counter: CounterStore) -> None:
        counted = together(lambda _: counter.increment_once(op_id(1), TOMORROW))
        assert sorted(counted) == [False] * (THREADS - 1) + [True]
        assert counter.value() == 1

    def test_concurrent_ids_all_count(self, counter: CounterStore) -> None:
        def click(number: int) -> list[bool]:
            ids = [op_id(number * CLICKS + click) for click in range(CLICKS)]
            return [counter.increment_once(each, TOMORROW) for each in ids]

        assert together(click) == [[True] * CLICKS] * THREADS
        assert counter.value() == THREADS * CLICKS

    def test_is_remembered_until_the_row_is_gone(self, counter: CounterStore) -> None:
        """DynamoDB deletes expired rows within days. Until then a click counts no second time."""
        counter.increment_once(op_id(1), 1)
        assert counter.increment_once(op_id(1), TOMORROW) is False
        assert counter.value() == 1


class TestRows:
    """What is in the table, for whoever reads it without us."""

    def test_a_click_with_an_op_id_leaves_a_row_that_expires(self, dynamodb: DynamoDB) -> None:
        table = dynamodb.counter_table()
        dynamodb.counter(table).increment_once(op_id(7), TOMORROW)
        assert dynamodb.rows(table) == {
            "global": {"id": {"S": "global"}, "value": {"N": "1"}},
            f"op#{op_id(7)}": {
                "id": {"S": f"op#{op_id(7)}"},
                "expiresAt": {"N": str(TOMORROW)},
            },
        }

    def test_a_click_without_one_leaves_none(self, dynamodb: DynamoDB) -> None:
        table = dynamodb.counter_table()
        dynamodb.counter(table).increment()
        assert dynamodb.rows(table) == {"global": {"id": {"S": "global"}, "value": {"N": "1"}}}

    @pytest.mark.parametrize("shards", [1, 4])
    def test_the_counter_itself_never_expires(self, dynamodb: DynamoDB, shards: int) -> None:
        table = dynamodb.counter_table()
        counter = dynamodb.counter(table, shards)
        for number in range(20):
            counter.increment()
            counter.increment_once(op_id(number), TOMORROW)
        rows = dynamodb.rows(table)
        assert {name for name, row in rows.items() if "expiresAt" in row} == {
            f"op#{op_id(number)}" for number in range(20)
        }
        assert sum(int(row["value"]["N"]) for row in rows.values() if "value" in row) == 40


class TestShards:
    def test_clicks_are_spread(self, dynamodb: DynamoDB) -> None:
        table = dynamodb.counter_table()
        counter = dynamodb.counter(table, 4)
        for number in range(40):
            counter.increment_once(op_id(number), TOMORROW)
        rows = dynamodb.rows(table)
        names = ["global", "global#1", "global#2", "global#3"]
        assert sorted(name for name in rows if not name.startswith("op#")) == names
        assert all(int(rows[name]["value"]["N"]) > 1 for name in names)
        assert rows["global"]["shards"] == {"N": "4"}
        assert counter.value() == 40

    def test_a_click_counts_once_whichever_row_its_retry_lands_on(self, dynamodb: DynamoDB) -> None:
        counter = dynamodb.counter(dynamodb.counter_table(), 16)
        again = [counter.increment_once(op_id(1), TOMORROW) for _ in range(10)]
        assert again == [True] + [False] * 9
        assert counter.value() == 1

    @pytest.mark.parametrize(("before", "after"), [(1, 4), (4, 16), (4, 2), (16, 1)])
    def test_another_number_keeps_the_value(
        self, dynamodb: DynamoDB, before: int, after: int
    ) -> None:
        table = dynamodb.counter_table()
        old = dynamodb.counter(table, before)
        for number in range(50):
            old.increment_once(op_id(number), TOMORROW)
        new = dynamodb.counter(table, after)
        assert new.value() == 50
        for number in range(50, 60):
            new.increment_once(op_id(number), TOMORROW)
            new.increment()
        # Instances of both numbers serve at the same time while it is changed.
        assert (new.value(), old.value()) == (70, 70)
        assert dynamodb.counter(table, 1).value() == 70

    def test_one_row_is_not_told_for_the_sum(self, dynamodb: DynamoDB) -> None:
        """The row's own value, which the write returns, is only a part."""
        table = dynamodb.counter_table()
        one = dynamodb.counter(table, 1)
        assert one.increment() == 1
        dynamodb.counter(table, 4).increment()
        assert one.increment() is None
        assert one.value() == 3

    def test_a_single_row_announces_nothing(self, dynamodb: DynamoDB) -> None:
        table = dynamodb.counter_table()
        dynamodb.counter(table, 1).increment()
        assert "shards" not in dynamodb.rows(table)["global"]
