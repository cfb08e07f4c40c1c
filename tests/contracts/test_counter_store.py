import pytest

from counter_service.runtime.core.ports import CounterStore
from tests.contracts.conftest import THREADS, DynamoDB, together

CLICKS = 10  # of each thread
TOMORROW = 1_772_631_800


def op_id(sequence: int, session: str = "contract-of-stores") -> str:
    return f"{session}:{sequence}"


def test_value_is_the_number_of_increments(counter: CounterStore) -> None:
    assert counter.value() == 0
    for expected in range(1, 4):
        assert counter.increment() in (expected, None)  # None: it has to be read
        assert [counter.value() for _ in range(2)] == [expected] * 2


@pytest.mark.no_cover  # which takes as long again, and the other tests run the same lines
def test_increments_of_many_threads_are_all_counted(counter: CounterStore) -> None:
    values = together(lambda _: [counter.increment() for _ in range(CLICKS)])
    returned = sorted(value for each in values for value in each if value is not None)
    assert returned in ([], list(range(1, THREADS * CLICKS + 1)))
    assert counter.value() == THREADS * CLICKS


def test_increment_once_counts_each_op_id_once(counter: CounterStore) -> None:
    ids = [op_id(1), op_id(2), op_id(1, "another-session-id"), f"{op_id(1)}0"]
    for is_new in (True, False, False):
        assert [counter.increment_once(each, TOMORROW) for each in ids] == [is_new] * 4
        counter.increment()
    assert counter.value() == 4 + 3


def test_increment_once_counts_once_in_concurrent_threads(counter: CounterStore) -> None:
    counted = together(lambda _: counter.increment_once(op_id(1), TOMORROW))
    assert sorted(counted) == [False] * (THREADS - 1) + [True]
    assert counter.value() == 1


@pytest.mark.no_cover
def test_increment_once_counts_every_op_id_of_concurrent_threads(counter: CounterStore) -> None:
    def click(number: int) -> list[bool]:
        ids = [op_id(number * CLICKS + click) for click in range(CLICKS)]
        return [counter.increment_once(each, TOMORROW) for each in ids]

    assert together(click) == [[True] * CLICKS] * THREADS
    assert counter.value() == THREADS * CLICKS


def test_increment_once_finds_an_op_id_until_its_row_is_deleted(counter: CounterStore) -> None:
    """DynamoDB deletes expired rows within days."""
    counter.increment_once(op_id(1), 1)
    assert counter.increment_once(op_id(1), TOMORROW) is False
    assert counter.value() == 1


def test_counter_table_has_only_the_counter_and_op_ids_that_expire(dynamodb: DynamoDB) -> None:
    table = dynamodb.counter_table()
    counter = dynamodb.counter(table)
    counter.increment()
    # Without shards, "global" has no number of shards.
    assert dynamodb.rows(table) == {"global": {"id": {"S": "global"}, "value": {"N": "1"}}}
    counter.increment_once(op_id(7), TOMORROW)
    op_row = f"op#{op_id(7)}"
    assert dynamodb.rows(table) == {
        "global": {"id": {"S": "global"}, "value": {"N": "2"}},
        op_row: {"id": {"S": op_row}, "expiresAt": {"N": str(TOMORROW)}},
    }


def test_shards_share_the_clicks_and_never_expire(dynamodb: DynamoDB) -> None:
    table = dynamodb.counter_table()
    counter = dynamodb.counter(table, 4)
    for number in range(20):
        counter.increment()
        counter.increment_once(op_id(number), TOMORROW)
    rows = dynamodb.rows(table)
    shards = {name: row for name, row in rows.items() if not name.startswith("op#")}
    assert sorted(shards) == ["global", "global#1", "global#2", "global#3"]
    assert all(int(row["value"]["N"]) > 1 for row in shards.values())
    assert not [name for name, row in shards.items() if "expiresAt" in row]
    assert shards["global"]["shards"] == {"N": "4"}
    assert counter.value() == sum(int(row["value"]["N"]) for row in shards.values()) == 40


def test_shards_count_a_click_once_on_whichever_row_its_retry_lands(dynamodb: DynamoDB) -> None:
    counter = dynamodb.counter(dynamodb.counter_table(), 16)
    counted = [counter.increment_once(op_id(1), TOMORROW) for _ in range(10)]
    assert counted == [True] + [False] * 9
    assert counter.value() == 1


@pytest.mark.no_cover
@pytest.mark.parametrize(("before", "after"), [(1, 4), (4, 16), (4, 2), (16, 1)])
def test_shards_keep_the_value_when_their_number_changes(
    dynamodb: DynamoDB, before: int, after: int
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
    # During a deployment, instances with either number serve at the same time.
    assert (new.value(), old.value()) == (70, 70)
    assert dynamodb.counter(table, 1).value() == 70


def test_shards_return_no_value_of_a_single_row(dynamodb: DynamoDB) -> None:
    """The write returns the value of its row, which is only a part of the counter."""
    table = dynamodb.counter_table()
    one = dynamodb.counter(table, 1)
    assert one.increment() == 1
    dynamodb.counter(table, 4).increment()
    assert one.increment() is None
    assert one.value() == 3
