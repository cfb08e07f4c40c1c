import pytest

from counter_service.runtime.core.backoff import ATTEMPTS, Backoff
from counter_service.runtime.core.counting import OPERATION_TTL_SECONDS, ClickCounter, CountResult
from counter_service.runtime.core.errors import (
    OutcomeUnknown,
    StoreBusy,
    StoreError,
    StoreUnavailable,
)
from simulation.fakes import FakeClock, InMemoryCounterStore

OP = "q7Rk_3sYd-2oFiAC:1"
BUSY = StoreBusy("test", "TransactionConflict")


@pytest.fixture
def counter() -> InMemoryCounterStore:
    return InMemoryCounterStore(41)


def tally(counter: InMemoryCounterStore) -> ClickCounter:
    clock = FakeClock()
    return ClickCounter(counter, clock, Backoff(clock, lambda: 0.5))


def test_without_an_id_the_write_tells_the_value(counter: InMemoryCounterStore) -> None:
    counter.fail_next("value", StoreUnavailable("reading", "is not needed"))
    assert tally(counter).count(None) == CountResult(42)


def test_with_an_id_the_value_is_read_afterwards(counter: InMemoryCounterStore) -> None:
    assert tally(counter).count(OP) == CountResult(42)
    assert tally(counter).count(OP) == CountResult(42, before=True)
    assert counter.count == 42


def test_an_id_is_remembered_for_a_day(counter: InMemoryCounterStore) -> None:
    tally(counter).count(OP)
    assert counter.operations == {OP: FakeClock().time + OPERATION_TTL_SECONDS}
    assert OPERATION_TTL_SECONDS == 24 * 60 * 60


@pytest.mark.parametrize(("op_id", "write"), [(None, "increment"), (OP, "increment_once")])
class TestRefusals:
    def test_of_a_moment_are_tried_again(
        self, counter: InMemoryCounterStore, op_id: str | None, write: str
    ) -> None:
        counter.fail_next(write, BUSY, times=2)
        assert tally(counter).count(op_id) == CountResult(42, retries=2)

    def test_without_an_end_are_said_with_their_number(
        self, counter: InMemoryCounterStore, op_id: str | None, write: str
    ) -> None:
        counter.fail_next(write, BUSY, times=1000)
        with pytest.raises(StoreBusy, match="TransactionConflict") as caught:
            tally(counter).count(op_id)
        assert caught.value.attempts == ATTEMPTS
        assert counter.count == 41

    def test_of_another_kind_are_not_tried_again(
        self, counter: InMemoryCounterStore, op_id: str | None, write: str
    ) -> None:
        counter.fail_next(write, StoreUnavailable("test", "AccessDeniedException"))
        with pytest.raises(StoreUnavailable, match="AccessDeniedException"):
            tally(counter).count(op_id)
        assert counter.count == 41


@pytest.mark.parametrize(
    ("op_id", "failure"), [(None, OutcomeUnknown), (OP, StoreUnavailable)], ids=["plain", "op id"]
)
def test_a_lost_answer_is_not_tried_again_here(
    counter: InMemoryCounterStore, op_id: str | None, failure: type[StoreError]
) -> None:
    counter.lose_next_reply()
    with pytest.raises(failure):
        tally(counter).count(op_id)
    assert counter.count == 42


@pytest.mark.parametrize("failure", [BUSY, StoreUnavailable("test", "ReadTimeoutError")])
def test_a_count_that_cannot_be_read_is_a_count(
    counter: InMemoryCounterStore, failure: StoreUnavailable
) -> None:
    counter.fail_next("value", failure)
    assert tally(counter).count(OP) == CountResult(None)
    assert counter.count == 42
