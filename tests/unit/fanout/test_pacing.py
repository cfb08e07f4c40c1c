"""How fast a fan-out posts, how often it retries, and that it sleeps while it may not post."""

from dataclasses import replace
from itertools import pairwise

import pytest

from counter_service.runtime.core.ports import Delivery
from counter_service.runtime.fanout import fan_out
from counter_service.runtime.fanout.fan_out import LIMITS
from counter_service.runtime.fanout.pace import BURST_SECONDS, Pace
from tests.unit.fanout.virtual_network import (
    BROKEN_PIPE,
    RESET,
    ROUND_SECONDS,
    SILENCE,
    Quota,
    Reply,
    Respond,
    VirtualNetwork,
    ids,
    most_in,
)

DELIVERED, SKIPPED = Delivery.DELIVERED, Delivery.SKIPPED
SLOW = Reply(seconds=1.9)
ONE_CONNECTION = replace(LIMITS, connections=1)


def assert_paced(network: VirtualNetwork, rate: int) -> None:
    moments = [post.at for post in network.posts]
    for seconds in (0.0, 0.01, 0.1, 1.0, 5.0):
        assert most_in(moments, seconds) <= rate * seconds + max(1, rate * BURST_SECONDS) + 1e-6


# --- posts per second ---


@pytest.mark.parametrize("rate", [10, 100, 1000])
def test_fan_out_posts_at_its_rate(monkeypatch: pytest.MonkeyPatch, rate: int) -> None:
    network = VirtualNetwork()
    outbox = network.outbox(monkeypatch, posts_per_second=rate)
    audience = ids(5 * rate)
    started_at = network.now
    assert outbox.post("{}", audience).deliveries == dict.fromkeys(audience, DELIVERED)
    assert_paced(network, rate)
    assert network.now - started_at == pytest.approx(5, rel=0.06)


def test_outbox_keeps_its_rate_over_several_fan_outs(monkeypatch: pytest.MonkeyPatch) -> None:
    network = VirtualNetwork()
    outbox = network.outbox(monkeypatch, posts_per_second=200)
    audience = ids(70)
    started_at = network.now
    for _ in range(10):
        assert outbox.post("{}", audience).deliveries == dict.fromkeys(audience, DELIVERED)
    assert_paced(network, 200)
    assert network.now - started_at == pytest.approx(3.5, rel=0.06)


def test_retries_count_as_posts_of_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    network = VirtualNetwork(lambda post: Reply(503 if post.attempt < 3 else 200))
    outbox = network.outbox(monkeypatch, posts_per_second=100)
    audience = ids(100)
    assert outbox.post("{}", audience).deliveries == dict.fromkeys(audience, DELIVERED)
    assert len(network.posts) == 300
    assert_paced(network, 100)


def test_fan_out_reports_each_response_to_its_pace_once(monkeypatch: pytest.MonkeyPatch) -> None:
    network = VirtualNetwork(lambda post: Reply(503 if post.attempt == 1 else 200))
    outbox = network.outbox(monkeypatch)
    reported: list[int] = []
    monkeypatch.setattr(Pace, "responded", lambda _, number: reported.append(number))
    outbox.post("{}", ids(200))
    assert sum(reported) == len(network.posts) == 400


# --- posts that API Gateway throttles ---


def test_fan_out_above_the_quota_reaches_everyone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest quota of a region, with an outbox that has a higher limit."""
    quota = Quota(2500, 1250)
    network = VirtualNetwork(quota)
    outbox = network.outbox(monkeypatch)
    audience = ids(10_000)
    for _ in range(2):
        result = outbox.post("{}", audience)
        assert result.deliveries == dict.fromkeys(audience, DELIVERED)
        assert result.throttled < len(audience) / 10
    assert quota.rejected > 0


def test_throttled_post_is_retried_until_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    network = VirtualNetwork(lambda _: Reply(429))
    outbox = network.outbox(monkeypatch)
    started_at = network.now
    result = outbox.post("{}", ["a"])
    moments = network.sent_to("a")
    assert (result.deliveries, result.is_complete) == ({"a": SKIPPED}, True)
    assert result.throttled == len(moments)
    limit = LIMITS.fan_out_seconds
    assert limit - 1 < moments[-1] - started_at < limit


def test_pause_after_each_throttled_post_doubles_up_to_a_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Longest:
        def random(self) -> float:
            return 1.0

    network = VirtualNetwork(lambda _: Reply(429, seconds=0))
    outbox = network.outbox(monkeypatch)
    monkeypatch.setattr(fan_out, "_jitter", Longest())
    outbox.post("{}", ["a"])
    moments = network.sent_to("a")
    pauses = [after - before for before, after in pairwise(moments)]
    expected = [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert pauses[: len(expected)] == pytest.approx(expected, abs=0.01)
    assert max(pauses) == pytest.approx(1.0, abs=0.01)


def test_post_of_a_throttled_client_does_not_delay_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = VirtualNetwork(lambda post: Reply(429 if post.connection_id == "odd" else 200))
    outbox = network.outbox(monkeypatch)
    started_at = network.now
    outbox.post("{}", ["odd", *ids(500)])
    others = [post.at for post in network.posts if post.connection_id != "odd"]
    assert max(others) - started_at < 1


# --- time ---

BEHAVIOURS: dict[str, Respond] = {
    "delivered": lambda _: Reply(),
    "delivered slowly": lambda _: SLOW,
    "silence": lambda _: SILENCE,
    "throttled": lambda _: Reply(429),
    "throttled slowly": lambda _: Reply(429, seconds=1.9),
    "unavailable": lambda _: Reply(503),
    "reset": lambda _: Reply(RESET),
    "broken pipe": lambda _: Reply(BROKEN_PIPE),
    "every second is silent": lambda post: SILENCE if post.attempt % 2 else Reply(503),
}


@pytest.mark.parametrize("rate", [1, 50, 5000])
@pytest.mark.parametrize("respond", BEHAVIOURS.values(), ids=BEHAVIOURS)
def test_fan_out_ends_in_time_whatever_the_server_does(
    monkeypatch: pytest.MonkeyPatch, respond: Respond, rate: int
) -> None:
    network = VirtualNetwork(respond)
    outbox = network.outbox(monkeypatch, posts_per_second=rate)
    ends_at = network.now + LIMITS.fan_out_seconds
    outbox.post("{}", ids(2000))
    last = max(post.at for post in network.posts)
    assert last < ends_at
    assert network.now <= max(ends_at, last + LIMITS.post_seconds) + 10 * ROUND_SECONDS


@pytest.mark.parametrize("respond", BEHAVIOURS.values(), ids=BEHAVIOURS)
@pytest.mark.parametrize("seconds", [0.5, 3.0])
def test_fan_out_starts_no_post_after_until_ms(
    monkeypatch: pytest.MonkeyPatch, respond: Respond, seconds: float
) -> None:
    network = VirtualNetwork(respond)
    outbox = network.outbox(monkeypatch, posts_per_second=500)
    until = network.now + seconds
    audience = ids(5000)
    result = outbox.post("{}", audience, until * 1000)
    assert list(result.deliveries) == audience[: len(result.deliveries)]
    assert result.is_complete is (len(result.deliveries) == len(audience))
    assert network.posts
    assert max(post.at for post in network.posts) < until


def test_fan_out_without_time_posts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    network = VirtualNetwork()
    outbox = network.outbox(monkeypatch)
    result = outbox.post("{}", ["a", "b"], (network.now - 1) * 1000)
    assert (result.deliveries, result.is_complete) == ({}, False)
    assert network.posts == []


def test_fan_out_does_not_sleep_longer_than_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the lease would be released late."""
    network = VirtualNetwork()
    outbox = network.outbox(monkeypatch, posts_per_second=1)
    until = network.now + 0.3
    result = outbox.post("{}", ["a", "b"], until * 1000)
    assert (result.deliveries, result.is_complete) == ({"a": DELIVERED}, False)
    assert network.now == pytest.approx(until, abs=10 * ROUND_SECONDS)


@pytest.mark.parametrize(("posts", "connections"), [(999, 64), (1000, 128)])
def test_large_audience_gets_more_connections(
    monkeypatch: pytest.MonkeyPatch, posts: int, connections: int
) -> None:
    network = VirtualNetwork(lambda _: Reply(seconds=0.1))
    outbox = network.outbox(monkeypatch)
    outbox.post("{}", ids(posts))
    assert network.opened == connections


# --- a fan-out that may not post sleeps ---


def rounds_of(network: VirtualNetwork, outbox_options: dict[str, object], posts: int) -> int:
    """How often a fan-out looks for responses."""
    with pytest.MonkeyPatch.context() as patch:
        outbox = network.outbox(patch, **outbox_options)
        before = network.selects
        outbox.post("{}", ids(posts))
        outbox.close()
    return network.selects - before


@pytest.mark.parametrize(("rate", "reply"), [(10, Reply()), (100, Reply()), (30, SLOW)])
def test_fan_out_sleeps_while_the_bucket_is_empty(rate: int, reply: Reply) -> None:
    """Less than a round per post, one for each response, and one for each new connection."""
    network = VirtualNetwork(lambda _: reply)
    rounds = rounds_of(network, {"posts_per_second": rate}, posts=5 * rate)
    assert len(network.posts) == 5 * rate
    assert rounds <= 2 * len(network.posts) + network.opened + 10


def test_fan_out_sleeps_while_the_window_is_full() -> None:
    """The first throttled posts close the window, so the free connections have to wait."""
    network = VirtualNetwork(
        lambda post: Reply(429, seconds=post.attempt / 100) if post.attempt < 6 else SLOW
    )
    rounds = rounds_of(network, {}, posts=100)
    assert rounds <= 2 * len(network.posts) + network.opened + 10


@pytest.mark.parametrize("connections", [1, 4])
@pytest.mark.parametrize("reply", [SLOW, SILENCE], ids=["slow", "silent"])
def test_fan_out_sleeps_while_a_retry_is_due_and_every_connection_is_pending(
    connections: int, reply: Reply
) -> None:
    """The first posts fail at once and are due soon, when the next ones are pending."""
    first = {f"id{number}" for number in range(connections)}
    network = VirtualNetwork(
        lambda post: Reply(503) if post.attempt == 1 and post.connection_id in first else reply
    )
    limits = replace(LIMITS, connections=connections)
    rounds = rounds_of(network, {"limits": limits}, posts=4 * connections)
    assert rounds <= 2 * len(network.posts) + network.opened + 10


def test_fan_out_with_one_post_takes_two_rounds() -> None:
    """The first starts the post, and the second finds that there is no other and waits."""
    network = VirtualNetwork()
    selects_of_the_pool = 1
    assert rounds_of(network, {}, posts=1) == selects_of_the_pool + 2


def test_fan_out_sleeps_until_its_only_retry_is_due() -> None:
    network = VirtualNetwork(lambda _: Reply(429))
    rounds = rounds_of(network, {"limits": ONE_CONNECTION}, posts=1)
    assert rounds <= 3 * len(network.posts) + 10


@pytest.mark.parametrize("rate", [50, 10**9])
def test_fan_out_sleeps_while_every_connection_is_silent(rate: int) -> None:
    network = VirtualNetwork(lambda _: SILENCE)
    rounds = rounds_of(network, {"posts_per_second": rate}, posts=500)
    assert rounds <= 2 * len(network.posts) + network.opened + 10


@pytest.mark.parametrize("respond", BEHAVIOURS.values(), ids=BEHAVIOURS)
@pytest.mark.parametrize("rate", [20, 1000, 10**9])
def test_fan_out_never_spins(respond: Respond, rate: int) -> None:
    network = VirtualNetwork(respond)
    rounds = rounds_of(network, {"posts_per_second": rate}, posts=1500)
    assert rounds <= 3 * len(network.posts) + network.opened + 10
