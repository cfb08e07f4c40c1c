import pytest

from counter_service.runtime.core.backoff import ATTEMPTS, FIRST_MS, LONGEST_MS, TOTAL_MS, Backoff
from simulation.fakes import FakeClock


def pauses(random: float) -> list[int]:
    clock = FakeClock()
    numbers = list(Backoff(clock, lambda: random).attempts())
    assert numbers == list(range(len(clock.sleeps) + 1)), "a pause before each but the first"
    return clock.sleeps


def test_backoff_makes_the_first_attempt_without_a_pause() -> None:
    clock = FakeClock()
    assert next(Backoff(clock, lambda: 0.5).attempts()) == 0
    assert clock.sleeps == []


@pytest.mark.parametrize("random", [0.5, 1.0])
def test_backoff_pauses_for_random_parts_of_bounds_that_double(random: float) -> None:
    bounds = [FIRST_MS, 2 * FIRST_MS, 4 * FIRST_MS, LONGEST_MS, LONGEST_MS]
    assert pauses(random)[:5] == [bound * random for bound in bounds]


def test_backoff_limits_the_number_of_attempts() -> None:
    assert len(pauses(0.0)) == ATTEMPTS - 1


@pytest.mark.parametrize("random", [0.9, 1.0])
def test_backoff_begins_no_attempt_after_its_time_is_over(random: float) -> None:
    assert len(pauses(random)) < ATTEMPTS - 1
    assert TOTAL_MS - LONGEST_MS < sum(pauses(random)) <= TOTAL_MS


def test_backoff_counts_the_duration_of_attempts() -> None:
    clock = FakeClock()
    attempts = Backoff(clock, lambda: 1.0).attempts()
    next(attempts)
    clock.sleep_until_ms(clock.now_ms() + TOTAL_MS)
    assert list(attempts) == []
