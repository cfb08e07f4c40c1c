"""The model of a month: its invariants, and the loads that it refuses."""

import re
from dataclasses import fields, replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counter_service.costs import forecast
from counter_service.costs.bill import Bill, bill, total
from counter_service.costs.forecast import Load, expected, month, naive_month
from counter_service.costs.units import ALARMS, Sizing, sampled
from counter_service.infra.alarms import alarms
from counter_service.infra.metrics import MetricSource, MetricSources

SIZING = Sizing()
LOAD = Load(clients=100, clicks_per_second=1, hours=8)

loads = st.builds(
    Load,
    clients=st.integers(1, forecast.MAX_CLIENTS),
    clicks_per_second=st.floats(0, forecast.MAX_CLICKS_PER_SECOND),
    hours=st.floats(0.01, 24),
)
sizings = st.builds(
    Sizing,
    memory_mb=st.integers(128, 10_240),
    posts_per_second=st.integers(1, 100_000),
    counter_shards=st.integers(1, 16),
    clicks_per_second=st.integers(0, 1000),
)


def cost(load: Load, sizing: Sizing = SIZING) -> float:
    return total(bill(month(load, sizing)))


def dollars(items: Bill, name: str) -> float:
    [item] = [each for each in items if each.name == name]
    return item.dollars


@given(loads, sizings)
def test_every_item_is_at_least_zero(load: Load, sizing: Sizing) -> None:
    assert all(item.amount >= 0 for item in bill(month(load, sizing)))


@given(loads, sizings)
def test_limit_of_posts_caps_the_posts(load: Load, sizing: Sizing) -> None:
    posts = forecast.expected(load, sizing).posts
    assert posts <= sizing.posts_per_second * load.seconds * (1 + 1e-9)


@given(loads, sizings)
def test_counter_never_posts_more_than_the_naive_design(load: Load, sizing: Sizing) -> None:
    assert forecast.expected(load, sizing).posts <= (
        naive_month(load, sizing).messages_out * (1 + 1e-9)
    )


@given(loads, st.integers(1, 1000))
def test_more_clients_cost_more(load: Load, more: int) -> None:
    clients = min(forecast.MAX_CLIENTS, load.clients + more)
    # At the limit of posts more clients have fewer broadcasts, each of which takes a few units.
    assert cost(replace(load, clients=clients)) >= cost(load) * 0.99


@pytest.mark.parametrize("field", ["clients", "clicks_per_second", "hours"])
def test_bill_grows_with_the_load(field: str) -> None:
    values = {"clients": [1, 10, 100, 1000], "clicks_per_second": [0, 1, 10, 100]}
    bills = [cost(replace(LOAD, **{field: each})) for each in values.get(field, [1, 8, 24])]
    assert all(lower < higher for lower, higher in pairwise(bills))


def test_load_of_one_day_takes_a_thirtieth_of_a_month() -> None:
    day = expected(replace(LOAD, days=1), SIZING)
    assert [30 * getattr(day, each.name) for each in fields(day)] == pytest.approx(
        [getattr(expected(LOAD, SIZING), each.name) for each in fields(day)]
    )


def test_busy_counter_costs_as_much_as_its_broadcasts() -> None:
    quiet, busy = (
        bill(month(Load(clients=1000, clicks_per_second=rate, hours=8), SIZING))
        for rate in (10, 100)
    )
    assert dollars(busy, "messages to clients") < 1.2 * dollars(quiet, "messages to clients")


def test_counter_without_clicks_costs_what_its_quiet_pages_request() -> None:
    used = month(Load(clients=1000, clicks_per_second=0, hours=24), SIZING)
    # A thousand pages, one request a minute.
    heartbeats = 1000 * 60 * 24 * 30
    assert used.messages_in == pytest.approx(heartbeats, rel=0.01)
    assert used.messages_out == used.messages_in


@pytest.mark.parametrize(
    ("change", "item"),
    [
        ({"posts_per_second": 50}, "messages to clients"),
        ({"memory_mb": 1769}, "Lambda GB s"),
        ({"counter_shards": 4}, "DynamoDB read units"),
        ({"clicks_per_second": 20}, "DynamoDB write units"),
        ({"access_logs": True}, "access logs, GB"),
        ({"tracing": True}, "traces"),
        ({"alarms": True}, "alarms"),
        ({"dashboard": True}, "dashboards"),
        ({"dashboard": True}, "custom metrics"),
        ({"domain": True}, "hosted zones"),
    ],
)
def test_setting_changes_its_item(change: dict[str, Any], item: str) -> None:
    load = Load(clients=100, clicks_per_second=10, hours=8)
    before, after = bill(month(load, SIZING)), bill(month(load, replace(SIZING, **change)))
    assert dollars(before, item) != dollars(after, item)


def test_limit_of_clicks_writes_twice_for_the_first_click_of_a_second() -> None:
    def extra(clicks_per_second: float) -> float:
        load = Load(clients=1, clicks_per_second=clicks_per_second, hours=24)
        limited = month(load, Sizing(clicks_per_second=20)).write_units
        return (limited - month(load, SIZING).write_units) / (load.seconds * clicks_per_second)

    assert extra(0.1) == pytest.approx(2, rel=0.1)  # each is the first of its second
    assert extra(20) == pytest.approx(1 + 1 / 20, rel=0.01)


def test_tracing_samples_the_requests_beyond_one_a_second() -> None:
    assert sampled(50, 100) == 50
    assert sampled(300, 100) == 100 + 0.05 * 200


def test_alarms_are_as_many_as_the_stack_has() -> None:
    source = MetricSource("namespace", {})
    sources = MetricSources(
        custom=source, function=source, api=source, connections=source, counter=source
    )
    assert len(alarms(timeout_seconds=20, posts_per_second=1, sources=sources)) == ALARMS


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"clients": 0}, "The number of clients is 0, but must be from 1 to 1,000,000."),
        ({"clients": -5}, "The number of clients is -5, but must be from 1 to 1,000,000."),
        (
            {"clients": 10**9},
            "The number of clients is 1,000,000,000, but must be from 1 to 1,000,000.",
        ),
        (
            {"clicks_per_second": -1.0},
            "The clicks per second are -1, but must be from 0 to 10,000, API Gateway's quota.",
        ),
        (
            {"clicks_per_second": 2e4},
            "The clicks per second are 20000, but must be from 0 to 10,000, API Gateway's quota.",
        ),
        (
            {"hours": float("nan")},
            "The hours of a day are nan, but must be more than 0 and at most 24.",
        ),
        ({"hours": 0}, "The hours of a day are 0, but must be more than 0 and at most 24."),
        ({"hours": 25}, "The hours of a day are 25, but must be more than 0 and at most 24."),
    ],
)
def test_load_outside_of_the_model_is_refused(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        replace(LOAD, **change)
