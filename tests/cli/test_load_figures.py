"""The arithmetic of `counter load`: when clicks are due, percentiles, histograms and latencies."""

from collections import Counter
from dataclasses import replace
from math import inf

import pytest

from counter_service.cli.load.estimate import estimate
from counter_service.cli.load.latency import Click, View, acknowledgement, everyone, views
from counter_service.cli.load.plan import Plan
from counter_service.cli.load.result import Result
from counter_service.cli.load.svg import svg
from counter_service.cli.load.times import bounds, counts, milliseconds, name, percentile, summary
from counter_service.costs.units import Sizing
from counter_service.history.events import Displayed, Event, Opened, Stored

PLAN = Plan(clients=1000, clicks_per_second=4, seconds=10, ramp_up=5)
RESULT = Result(
    plan=PLAN,
    was_interrupted=False,
    stored=Stored(0),
    history=[],
    clicks=[],
    connected={},
    connects=[],
    attempts=0,
    unconnected={},
    failures=Counter(),
    repeated=0,
    messages_sent=0,
    messages_received=0,
    lags=[],
    core_share=0.0,
)


# --- the plan -------------------------------------------------------------------------------------


def test_clicks_are_due_at_equal_intervals() -> None:
    assert PLAN.clicks == 40
    assert [PLAN.click_at(number) for number in (0, 1, 39)] == [0, 0.25, 9.75]


def test_connects_are_due_at_equal_intervals_of_the_ramp_up() -> None:
    assert [PLAN.connect_at(number) for number in (0, 1, 999)] == [0, 0.005, 4.995]


@pytest.mark.parametrize("ramp_up", [0, 1.99])
def test_plan_refuses_more_connects_than_the_quota(ramp_up: float) -> None:
    assert replace(PLAN, ramp_up=2).ramp_up == 2
    with pytest.raises(ValueError, match="Give --ramp-up 2 or more"):
        replace(PLAN, ramp_up=ramp_up)


def test_estimate_has_the_messages_of_the_load() -> None:
    found = estimate(PLAN, Sizing())
    # 40 clicks, and each client requests the value when it is connected.
    assert found.messages_sent == pytest.approx(1040, abs=1)
    assert 30 * 1000 < found.messages_received < 42 * 1000
    assert found.dollars > (found.messages_sent + found.messages_received) / 1e6
    assert "sends about 1,000 messages" in str(found)


def test_estimate_of_less_than_a_cent_says_so() -> None:
    assert "costs less than $0.01" in str(estimate(replace(PLAN, clients=1), Sizing()))


# --- percentiles and histograms -------------------------------------------------------------------


@pytest.mark.parametrize(("percent", "value"), [(1, 1), (50, 50), (90, 90), (99, 99), (100, 100)])
def test_percentile_is_a_value_that_was_measured(percent: float, value: float) -> None:
    assert percentile(range(1, 101), percent) == value
    assert percentile([7.0], percent) == 7


def test_summary_has_the_percentiles_of_unordered_values() -> None:
    found = summary([3.0, 1.0, 2.0])
    assert found
    assert (found.count, found.p50, found.p99, found.greatest) == (3, 2.0, 3.0, 3.0)
    assert summary([]) is None


@pytest.mark.parametrize(
    ("values", "upper"),
    [
        ([0.0011, 0.004], [0.0015, 0.002, 0.003, 0.005]),
        ([0.001, 0.001], [0.001]),
        ([0.8, 1.2], [1.0, 1.5]),
        ([9.0], [10.0]),
        ([0.0], [1e-6]),
        ([], []),
    ],
)
def test_bars_cover_the_values_and_no_more(values: list[float], upper: list[float]) -> None:
    assert bounds(values) == upper
    assert sum(counts(values, upper)) == len(values)


def test_bar_contains_its_upper_bound() -> None:
    assert counts([0.001, 0.0015, 0.0016, 0.003], [0.001, 0.0015, 0.002, 0.003]) == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("upper", "text"), [(0.0015, "1.5 ms"), (0.7, "700 ms"), (1.0, "1 s"), (30.0, "30 s")]
)
def test_bar_is_named_by_its_upper_bound(upper: float, text: str) -> None:
    assert name(upper) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.00123, "1.2 ms"), (0.0456, "46 ms"), (12.3456, "12,346 ms")]
)
def test_time_is_shown_in_milliseconds(seconds: float, text: str) -> None:
    assert milliseconds(seconds) == text


# --- latencies ------------------------------------------------------------------------------------

OPEN = [(0.0, inf)]
CLICKS = [Click(10, 10.5, 1), Click(11, 11.5, 2)]


def test_latency_begins_when_the_click_is_due() -> None:
    assert acknowledgement([*CLICKS, Click(12)]) == [0.5, 0.5]


def test_click_is_at_everyone_when_the_last_client_shows_it() -> None:
    fast = View(OPEN, [(1, 0), (10.2, 1), (11.2, 2)])
    slow = View(OPEN, [(1, 0), (10.7, 1), (13.0, 2)])
    assert everyone(CLICKS, [fast, slow]) == pytest.approx([0.7, 2.0])


def test_one_message_may_show_many_clicks() -> None:
    assert everyone(CLICKS, [View(OPEN, [(1, 0), (12.0, 2)])]) == pytest.approx([2.0, 1.0])


def test_order_of_acknowledgements_does_not_matter() -> None:
    view = View(OPEN, [(1, 0), (10.2, 1), (11.2, 2)])
    assert sorted(everyone(CLICKS[::-1], [view])) == pytest.approx([0.2, 0.2])


def test_client_that_reconnected_meanwhile_does_not_count_for_the_click() -> None:
    other = View(OPEN, [(10.2, 1), (11.2, 2)])
    cut = View([(0.0, 10.1), (14.0, inf)], [(14.0, 2)])
    assert everyone(CLICKS, [other, cut]) == pytest.approx([0.2, 0.2])


def test_click_that_a_connected_client_never_showed_is_left_out() -> None:
    assert everyone(CLICKS, [View(OPEN, [(10.2, 1)])]) == pytest.approx([0.2])


def test_click_without_a_connected_client_is_left_out() -> None:
    assert everyone(CLICKS, []) == everyone(CLICKS, [View([(0.0, 10.1)], [(1, 0)])]) == []


def test_views_are_what_the_history_displayed() -> None:
    history: list[Event] = [Opened("a", 1), Displayed(1.0, "a", 0), Displayed(2.0, "b", 3)]
    assert views(history, {"a": OPEN, "b": []}) == [View(OPEN, [(1.0, 0)]), View([], [(2.0, 3)])]


# --- the result -----------------------------------------------------------------------------------


def test_result_says_when_this_process_was_the_bottleneck() -> None:
    assert not replace(RESULT, lags=[0.001] * 99 + [0.2]).is_bottleneck
    assert replace(RESULT, lags=[0.001] * 90 + [0.2] * 10).is_bottleneck


def test_client_without_a_connection_is_a_problem() -> None:
    assert RESULT.is_right
    assert not replace(RESULT, unconnected={"client 1": "refused"}).is_right


def test_picture_has_a_bar_for_each_count() -> None:
    view = Displayed(10.7, "a", 1)
    result = replace(
        RESULT,
        history=[Displayed(1.0, "a", 0), view, Displayed(11.6, "a", 2)],
        clicks=CLICKS,
        connected={"a": OPEN},
    )
    picture = svg(result)
    # Both acknowledgements took 0.5 s; to everyone it took 0.7 and 0.6 s.
    assert picture.count('class="bar0"') == 1
    assert picture.count('class="bar1"') == 1
    assert "p50 500 ms" in picture
    assert "prefers-color-scheme: dark" in picture


def test_picture_without_clicks_says_so() -> None:
    assert svg(RESULT).count("no clicks") == 2
