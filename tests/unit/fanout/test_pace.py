import math
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counter_service.runtime.fanout.pace import BURST_SECONDS, GROUP_SECONDS, UNLIMITED, Pace

WIDE = 10**9  # a window that limits nothing

rates = st.sampled_from([1, 7, 100, 1250, 5000])
# Seconds since the last round, posts in flight, and posts that are waiting.
rounds = st.lists(
    st.tuples(st.floats(0, 0.5), st.integers(0, 200), st.integers(0, 400)), max_size=40
)


def burst(rate: float) -> float:
    return max(1.0, rate * BURST_SECONDS)


@given(rates, rounds)
def test_pace_never_exceeds_its_rate_by_more_than_a_burst(
    rate: int, sequence: list[tuple[float, int, int]]
) -> None:
    pace = Pace(rate, 128, 0.0)
    started: list[tuple[float, int]] = []
    moments = accumulate(pause for pause, _, _ in sequence)
    for now, (_, in_flight, waiting) in zip(moments, sequence, strict=True):
        posts = min(waiting, pace.allowance(in_flight, now))
        assert posts + in_flight <= max(128, in_flight)
        pace.started(posts)
        started.append((now, posts))
    for first, (begin, _) in enumerate(started):
        total = 0
        for end, posts in started[first:]:
            total += posts
            assert total <= rate * (end - begin) + burst(rate) + 1e-6


@given(rates, st.integers(1, 1000))
def test_pace_reaches_its_rate_if_every_group_is_posted(rate: int, groups: int) -> None:
    pace, now, posted = Pace(rate, WIDE, 0.0), 0.0, 0
    for _ in range(groups):
        posts = pace.allowance(0, now)
        pace.started(posts)
        posted += posts
        group_at = pace.next_group_at(now)
        assert group_at is not None
        now = group_at + 1e-6  # a clock has no more digits
    assert posted + burst(rate) + 1 >= rate * now * 0.999
    assert posted <= rate * now + burst(rate) + 1e-6


@pytest.mark.parametrize(("rate", "posts"), [(1, 1), (20, 1), (40, 2), (1000, 50), (5000, 250)])
def test_pace_allows_a_burst_after_any_pause(rate: int, posts: int) -> None:
    pace = Pace(rate, WIDE, 50.0)
    assert pace.allowance(0, 50.0) == posts
    pace.started(posts)
    assert pace.allowance(0, 50.0) == 0
    assert pace.allowance(0, 5000.0) == posts


@pytest.mark.parametrize(("rate", "group"), [(1, 1), (100, 1), (200, 1), (1000, 5), (5000, 25)])
def test_pace_goes_on_in_groups_after_the_bucket_was_empty(rate: int, group: int) -> None:
    pace = Pace(rate, WIDE, 0.0)
    pace.started(pace.allowance(0, 0.0))
    group_at = pace.next_group_at(0.0)
    assert group_at is not None
    assert group_at == pytest.approx(max(GROUP_SECONDS, 1 / rate))
    assert pace.allowance(0, group_at + 1e-9) == group


def test_pace_has_no_next_group_while_a_token_is_left() -> None:
    pace = Pace(40, WIDE, 0.0)
    assert pace.next_group_at(0.0) is None
    pace.started(1)
    assert pace.next_group_at(0.0) is None
    pace.started(1)
    assert pace.next_group_at(0.0) is not None


def test_pace_halves_its_window_once_for_all_posts_of_one_moment() -> None:
    pace = Pace(UNLIMITED, 128, 0.0)
    for number in range(50):
        pace.throttled(started_at=1.0, now=2.0 + number / 1000)
    assert pace.allowance(0, 3.0) == 64
    pace.throttled(started_at=1.999, now=3.0)
    assert pace.allowance(0, 3.0) == 64, "a post from before the halving halved the window again"
    pace.throttled(started_at=2.0, now=3.0)
    assert pace.allowance(0, 3.0) == 32
    pace.throttled(started_at=2.5, now=4.0)
    assert pace.allowance(0, 4.0) == 32, "a post from before the second halving halved it again"


def test_pace_halves_its_window_for_the_first_posts_of_an_instance() -> None:
    pace = Pace(UNLIMITED, 128, 7.0)
    pace.throttled(started_at=7.0, now=7.01)
    assert pace.allowance(0, 7.01) == 64


def test_pace_window_is_never_below_one_post() -> None:
    pace = Pace(UNLIMITED, 128, 0.0)
    for moment in range(100):
        pace.throttled(started_at=moment, now=moment)
    assert pace.allowance(0, 100.0) == 1
    assert pace.allowance(1, 100.0) == 0
    assert pace.allowance(2, 100.0) == 0


def test_pace_window_grows_by_one_post_for_a_window_of_responses() -> None:
    pace = Pace(UNLIMITED, 128, 0.0)
    pace.throttled(0.0, 1.0)
    pace.responded(63)
    assert pace.allowance(0, 1.0) == 64
    pace.responded(2)
    assert pace.allowance(0, 1.0) == 65
    pace.responded(10**6)
    assert pace.allowance(0, 1.0) == 128, "it is never wider than at the start"


@given(rounds)
def test_pace_without_a_limit_is_bounded_by_its_window_only(
    sequence: list[tuple[float, int, int]],
) -> None:
    pace, now = Pace(UNLIMITED, 128, 0.0), 0.0
    for pause, in_flight, waiting in sequence:
        now += pause
        assert pace.allowance(in_flight, now) == max(0, 128 - in_flight)
        pace.started(min(waiting, 128))
        pace.responded(waiting)
        assert pace.next_group_at(now) is None


@given(rates | st.just(UNLIMITED), rounds)
def test_pace_allows_a_post_soon_whatever_happened(
    rate: int, sequence: list[tuple[float, int, int]]
) -> None:
    pace, now = Pace(rate, 128, 0.0), 0.0
    for pause, in_flight, waiting in sequence:
        pace.throttled(now, now)
        now += pause
        pace.started(pace.allowance(in_flight, now))
        pace.responded(waiting)
    group_at = pace.next_group_at(now) or now
    assert math.isfinite(group_at)
    assert now <= group_at <= now + max(1 / rate, GROUP_SECONDS) + 1e-9
    assert pace.allowance(0, group_at + 1e-6) >= 1
