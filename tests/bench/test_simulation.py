"""The simulated account limits requests as AWS does, and the service stays within its limits."""

from dataclasses import asdict

import pytest

from bench import memory, quota
from bench.simulated_gateway import QUOTA, SMALL_QUOTA, Quota
from bench.simulated_service import Load, baseline, counter_service, random_moments
from counter_service.costs.units import core_share
from counter_service.infra import quotas
from counter_service.runtime.fanout.fan_out import LIMITS

pytestmark = pytest.mark.no_cover  # before Python 3.14, greenlets mix up the lines of files


@pytest.mark.parametrize(("rate", "audience"), [(1, 1), (20, 30), (300, 1200)])
def test_simulated_clients_end_with_the_last_value(rate: int, audience: int) -> None:
    clicks = random_moments(rate, seconds=max(1.0, 5 / rate))
    outcome = counter_service(Load(clients=audience, clicks=clicks))
    assert outcome.clicks > 0
    assert outcome.last_lag is not None
    assert (outcome.stale, outcome.throttled, outcome.rejected) == (0, 0, 0)


def test_busy_counter_reaches_10_000_clients_and_rejects_no_messages() -> None:
    load = Load(clients=10_000, clicks=random_moments(100, seconds=3), heartbeats_until=8)
    outcome = counter_service(load)
    assert outcome.client_messages > outcome.clicks  # heartbeats among them
    assert quota.reaches_everyone(asdict(outcome))


def test_one_broadcast_reaches_10_000_clients_within_the_small_quota() -> None:
    load = Load(clients=10_000, clicks=[0.9], heartbeats_until=10, quota=SMALL_QUOTA)
    assert quota.reaches_everyone(asdict(counter_service(load)))


def test_one_broadcast_to_10_000_clients_rejects_no_messages_within_the_small_quota() -> None:
    load = Load(clients=10_000, clicks=[0.9], heartbeats_until=10, quota=SMALL_QUOTA)
    outcome = counter_service(load)
    assert outcome.client_messages > 500  # heartbeats
    assert (outcome.throttled, outcome.rejected) == (0, 0)


def test_broadcast_goes_on_until_everyone_is_reached() -> None:
    slow = Quota(20, 100)  # ten posts a second reach 90 clients in 9 s
    outcome = counter_service(Load(clients=300, clicks=[0.0], quota=slow))
    assert (outcome.broadcasts, outcome.stale) == (1, 0)
    assert outcome.fan_out == pytest.approx(300 / 10, rel=0.05)


def test_everyone_has_the_last_value_in_time_if_a_broadcast_takes_several_fan_outs() -> None:
    """A hundredth of 50,000 clients and of the quota, which `make bench` simulates."""
    small = Quota(QUOTA.requests_per_second // 100, QUOTA.burst // 100)
    load = Load(clients=500, clicks=random_moments(1, seconds=10), heartbeats_until=85, quota=small)
    outcome = counter_service(load)
    assert outcome.fan_out > LIMITS.fan_out_seconds
    assert quota.reaches_everyone_in_time(asdict(outcome))


def test_broadcast_is_as_fast_as_posts_per_second() -> None:
    outcome = counter_service(Load(clients=2_500, clicks=[0.0], quota=SMALL_QUOTA))
    assert outcome.fan_out == pytest.approx(2_500 / 1_250, rel=0.05)


def test_broadcast_is_as_fast_as_the_cpu_if_memory_is_low() -> None:
    slow, fast = (memory.simulate(2_500, memory_mb)["fan_out"] for memory_mb in (128, 256))
    assert slow / fast == pytest.approx(2, rel=0.05)


def test_posts_beyond_the_quota_are_throttled_and_retried() -> None:
    outcome = baseline(Load(clients=300, clicks=[0.0], quota=Quota(20, 100)))
    assert outcome.throttled > 0
    assert outcome.stale == 0
    assert outcome.fan_out > 9.5  # 300 posts and a click, of which 100 pass at once


def test_clicks_beyond_the_quota_are_rejected_and_sent_again() -> None:
    outcome = counter_service(Load(clients=1, clicks=[0.0] * 100, quota=Quota(60, 60)))
    assert outcome.rejected > 0
    assert outcome.client_messages == 100 + outcome.rejected
    assert outcome.last_lag is not None


def test_same_load_gives_the_same_figures() -> None:
    load = Load(clients=100, clicks=random_moments(50, seconds=1), quota=Quota(500, 100))
    first, second = (counter_service(load) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(("limits", "region"), [(QUOTA, "us-east-1"), (SMALL_QUOTA, "eu-south-1")])
def test_quotas_are_those_of_the_deployment(limits: Quota, region: str) -> None:
    assert limits.requests_per_second == quotas.requests_per_second(region)
    assert limits.default_posts_per_second == quotas.default_posts_per_second(region)


@pytest.mark.parametrize(("memory_mb", "share"), [(512, 0.289), (1769, 1.0), (10_240, 1.0)])
def test_share_of_a_core_is_proportional_to_memory(memory_mb: int, share: float) -> None:
    assert core_share(memory_mb) == pytest.approx(share, abs=0.001)


def test_suitable_memory_is_the_least_that_is_as_fast_as_a_whole_core() -> None:
    seconds = {128: 2.0, 256: 1.04, 512: 1.0, 1769: 1.0}
    rows = [{"memory_mb": size, "fan_out": fan_out} for size, fan_out in seconds.items()]
    assert memory.suitable(rows) == 256
