"""The simulation answers rightly; how fast is not asked here."""

import pytest

from bench import coalescing
from bench.coalescing import naive, ours
from bench.simulated_aws import Clients, Throttle
from simulation.timeline import Timeline


@pytest.mark.parametrize("rate", [1, 20, 300])
@pytest.mark.parametrize("audience", [1, 30, 1200])
def test_every_client_ends_with_the_last_value(rate: int, audience: int) -> None:
    outcome = ours(rate, audience, seconds=max(1.0, 5 / rate))
    assert outcome.clicks > 0
    assert (outcome.stale, outcome.refused) == (0, 0)


def test_a_tenure_ends_and_another_invocation_goes_on() -> None:
    """Clicks without a pause, for longer than one invocation may broadcast."""
    outcome = ours(rate=100, audience=50, seconds=20)
    assert outcome.stale == 0
    assert outcome.messages < outcome.clicks * 50 / 2


def test_the_same_seed_gives_the_same_figures() -> None:
    assert ours(50, 40, 2) == ours(50, 40, 2)


def test_the_naive_design_sends_every_click_to_everyone() -> None:
    outcome = naive(rate=10, audience=30, seconds=3)
    assert outcome.messages == outcome.clicks * 30
    assert outcome.stale == 0


def test_an_interval_spaces_broadcasts_out() -> None:
    fast, spaced = ours(100, 20, 3), ours(100, 20, 3, interval_ms=200)
    assert spaced.messages < fast.messages
    assert spaced.lag_p99 > fast.lag_p99
    assert spaced.stale == 0


def test_what_exceeds_the_account_is_not_simulated() -> None:
    assert not coalescing.exceeds_the_account(10, 1000)
    assert coalescing.exceeds_the_account(11, 1000)


def test_lags_end_when_the_last_client_knows() -> None:
    timeline = Timeline()
    clients = Clients(timeline, ["a", "b"])
    clients.committed(1)
    timeline.after(1.0, lambda: clients.receive("a", 1))
    timeline.after(2.0, lambda: clients.committed(2))
    timeline.after(5.0, lambda: clients.receive("b", 2))
    timeline.after(6.0, lambda: clients.receive("b", 1))  # an older one, late
    timeline.run()
    assert clients.lags == [5.0]
    assert list(clients.unheard) == [(2, 2.0)]
    assert (clients.shown, clients.messages) == ({"a": 1, "b": 2}, 3)


def test_the_throttle_is_a_bucket_that_fills_up_again() -> None:
    throttle = Throttle(rate=10, burst=2)
    assert [throttle.admits(now) for now in (0, 0, 0, 0.05, 0.1, 0.1)] == [
        *(True, True, False, False, True, False)
    ]
    assert [throttle.admits(10) for _ in range(3)] == [True, True, False]
    assert throttle.refused == 4
