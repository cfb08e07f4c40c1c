from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from counter_service.runtime.ports import CounterStore

THREADS = 8
CLICKS = 10  # of each


def test_starts_at_zero(counter: CounterStore) -> None:
    assert counter.value() == 0


def test_increments_return_one_value_after_the_other(counter: CounterStore) -> None:
    assert [counter.increment() for _ in range(3)] == [1, 2, 3]


def test_the_value_is_what_the_last_increment_returned(counter: CounterStore) -> None:
    assert counter.increment() == counter.value() == 1
    assert counter.increment() == counter.value() == 2


def test_reading_does_not_count(counter: CounterStore) -> None:
    counter.increment()
    assert [counter.value() for _ in range(3)] == [1, 1, 1]
    assert counter.increment() == 2


def test_concurrent_increments_all_count(counter: CounterStore) -> None:
    together = Barrier(THREADS)

    def click(_: int) -> list[int]:
        together.wait(timeout=10)
        return [counter.increment() for _ in range(CLICKS)]

    with ThreadPoolExecutor(THREADS) as pool:
        values = [value for clicks in pool.map(click, range(THREADS)) for value in clicks]
    assert sorted(values) == list(range(1, THREADS * CLICKS + 1))
    assert counter.value() == THREADS * CLICKS
