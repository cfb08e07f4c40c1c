import pytest

from counter_service.runtime.core.backoff import ATTEMPTS, FIRST_MS, LONGEST_MS, TOTAL_MS, Backoff
from simulation.fakes import FakeClock


def pauses(random: float) -> list[int]:
    clock = FakeClock()
    numbers = list(Backoff(clock, lambda: random).attempts())
    assert numbers == list(range(len(clock.sleeps) + 1)), "a pause before each but the first"
    return clock.sleeps


def test_the_first_attempt_waits_for_nothing() -> None:
    clock = FakeClock()
    assert next(Backoff(clock, lambda: 0.5).attempts()) == 0
    assert clock.sleeps == []


def test_pauses_are_random_parts_of_bounds_that_double() -> None:
    bounds = [FIRST_MS, 2 * FIRST_MS, 4 * FIRST_MS, LONGEST_MS, LONGEST_MS]
    assert pauses(1.0)[:5] == bounds
    assert pauses(0.5)[:5] == [bound / 2 for bound in bounds]


def test_two_that_met_do_not_meet_again() -> None:
    assert pauses(0.25)[0] != pauses(0.75)[0]


def test_there_are_so_many_attempts_at_the_most() -> None:
    assert len(pauses(0.0)) == ATTEMPTS - 1


@pytest.mark.parametrize("random", [0.9, 1.0])
def test_no_attempt_begins_after_the_time_is_over(random: float) -> None:
    assert len(pauses(random)) < ATTEMPTS - 1
    assert TOTAL_MS - LONGEST_MS < sum(pauses(random)) <= TOTAL_MS


def test_attempts_that_take_long_count_as_time() -> None:
    clock = FakeClock()
    attempts = Backoff(clock, lambda: 1.0).attempts()
    next(attempts)
    clock.sleep_until_ms(clock.now_ms() + TOTAL_MS)
    assert list(attempts) == []
