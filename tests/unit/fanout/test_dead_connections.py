"""Kept connections that ended without a packet that says so: they swallow every request."""

import pytest

from counter_service.runtime.core.ports import Delivery
from counter_service.runtime.fanout.fan_out import LIMITS
from counter_service.runtime.fanout.pool import MAX_IDLE_SECONDS
from tests.unit.fanout.virtual_network import (
    BROKEN_PIPE,
    RESET,
    SILENCE,
    Reply,
    VirtualNetwork,
    ids,
)

DELIVERED, SKIPPED = Delivery.DELIVERED, Delivery.SKIPPED

faults = pytest.mark.parametrize(
    "fault",
    [SILENCE, Reply(RESET), Reply(BROKEN_PIPE)],
    ids=["silence", "reset", "broken pipe"],
)


@pytest.mark.parametrize("warm_up", [20, 500, 2000])
@pytest.mark.parametrize("posts", [500, 2000])
def test_every_client_gets_the_value_despite_dead_connections(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, warm_up: int, posts: int
) -> None:
    network = VirtualNetwork()
    outbox = network.outbox(monkeypatch)
    outbox.post("{}", ids(warm_up))
    kept = len(network.connections)
    assert kept >= min(warm_up, LIMITS.connections)
    network.kill_connections()
    network.posts.clear()
    audience, started_at = ids(posts), network.now
    assert outbox.post("{}", audience).deliveries == dict.fromkeys(audience, DELIVERED)
    assert network.now - started_at < 4
    assert len(network.posts) <= posts + kept, "a connection was used after it had been silent"
    assert caplog.records == []
    started_at = network.now
    assert outbox.post("{}", audience).deliveries == dict.fromkeys(audience, DELIVERED)
    assert network.now - started_at < 1, "a dead connection was left from the first fan-out"


@faults
def test_acknowledgement_arrives_although_every_connection_is_dead(
    monkeypatch: pytest.MonkeyPatch, fault: Reply
) -> None:
    network = VirtualNetwork()
    outbox = network.outbox(monkeypatch)
    outbox.post("{}", ids(500))
    network.kill_connections(fault)
    network.posts.clear()
    started_at = network.now
    assert outbox.post("{}", ["sender"]).deliveries == {"sender": DELIVERED}
    assert network.now - started_at < (3 if fault is SILENCE else 0.1)
    assert len(network.posts) == 2, "the second attempt did not use a new connection"


def test_one_silent_connection_closes_the_others_that_may_be_dead(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = VirtualNetwork()
    outbox = network.outbox(monkeypatch)
    outbox.post("{}", ids(500))
    network.kill_connections()
    outbox.post("{}", ["sender"])
    started_at = network.now
    assert set(outbox.post("{}", ids(500)).deliveries.values()) == {DELIVERED}
    assert network.now - started_at < 1


def test_connections_that_responded_in_this_fan_out_outlive_a_dead_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = VirtualNetwork(lambda _: Reply(seconds=0.05))
    outbox = network.outbox(monkeypatch)
    outbox.post("{}", ids(999))
    dead, *others = network.connections
    dead.fault = SILENCE
    assert set(outbox.post("{}", ids(999)).deliveries.values()) == {DELIVERED}
    assert network.connections[: len(others)] == others
    assert dead not in network.connections


@pytest.mark.parametrize("number", [1, 10])
def test_dead_connections_do_not_delay_the_others(
    monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    network = VirtualNetwork()
    outbox = network.outbox(monkeypatch)
    outbox.post("{}", ids(500))
    for connection in network.connections[:number]:
        connection.fault = SILENCE
    network.posts.clear()
    started_at = network.now
    assert set(outbox.post("{}", ids(500)).deliveries.values()) == {DELIVERED}
    delayed = [post for post in network.posts if post.at - started_at > 0.2]
    # The third attempt of a client is the second of this fan-out.
    assert [post.attempt for post in delayed] == [3] * number


@faults
def test_dead_connection_costs_no_attempt(monkeypatch: pytest.MonkeyPatch, fault: Reply) -> None:
    """All attempts are left for the new connection, of which the last one succeeds."""
    network = VirtualNetwork()
    outbox = network.outbox(monkeypatch)
    outbox.post("{}", ["a"])
    network.attempts.clear()
    network.posts.clear()
    replies = [fault, *[Reply(503)] * (LIMITS.attempts - 1), Reply()]
    network.respond = lambda post: replies[post.attempt - 1]
    assert outbox.post("{}", ["a"]).deliveries == {"a": DELIVERED}
    assert len(network.posts) == 1 + LIMITS.attempts


@faults
def test_second_dead_connection_costs_an_attempt(
    monkeypatch: pytest.MonkeyPatch, fault: Reply
) -> None:
    network = VirtualNetwork()
    outbox = network.outbox(monkeypatch)
    outbox.post("{}", ["a"])
    network.posts.clear()
    network.respond = lambda _: fault
    assert outbox.post("{}", ["a"]).deliveries == {"a": SKIPPED}
    assert len(network.posts) == 1 + LIMITS.attempts


def test_silent_endpoint_is_reported_after_a_few_failures(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """New connections that are silent are the endpoint's failure, not theirs."""
    network = VirtualNetwork(lambda _: SILENCE)
    outbox = network.outbox(monkeypatch)
    assert set(outbox.post("{}", ids(500)).deliveries.values()) == {SKIPPED}
    assert len(network.posts) <= LIMITS.connections + LIMITS.consecutive_failures
    assert [each.message for each in caplog.records] == ["the management endpoint does not respond"]


@pytest.mark.parametrize(("idle_seconds", "opened"), [(-1, 0), (1, 1)])
def test_connection_that_was_idle_too_long_is_closed_before_it_is_used(
    monkeypatch: pytest.MonkeyPatch, idle_seconds: float, opened: int
) -> None:
    network = VirtualNetwork()
    outbox = network.outbox(monkeypatch)
    outbox.post("{}", ["a"])
    (first,) = network.connections
    network.now += MAX_IDLE_SECONDS + idle_seconds
    started_at, before = network.now, network.opened
    first.fault = SILENCE if opened else None
    assert outbox.post("{}", ["a"]).deliveries == {"a": DELIVERED}
    assert network.opened - before == opened
    assert (first in network.connections) is not bool(opened)
    assert network.now - started_at < 0.1


def test_kept_connection_that_the_peer_closed_is_dropped_before_it_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = VirtualNetwork()
    outbox = network.outbox(monkeypatch)
    outbox.post("{}", ["a"])
    (first,) = network.connections
    first.ready_at = network.now
    assert outbox.post("{}", ["a"]).deliveries == {"a": DELIVERED}
    assert first not in network.connections
    assert len(network.posts) == 2


def test_outbox_that_is_closed_closes_its_idle_connections(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    network = VirtualNetwork()
    outbox = network.outbox(monkeypatch)
    outbox.post("{}", ids(100))
    assert network.connections
    outbox.close()
    assert network.connections == []
