"""Which requests are due and when a connection is dead, at times that the tests choose."""

from itertools import pairwise
from math import inf

import pytest

from counter_service.client.messages import Failure, Update
from counter_service.client.requests import HEARTBEAT, MAX_RETRY_SECONDS, Requests, Times

TIMES = Times(response=5.0, heartbeat=60.0, retry=0.5)
FIRST, SECOND = "session-of-this-test:1", "session-of-this-test:2"


@pytest.fixture
def requests() -> Requests:
    """The requests of a client that connected at 0 and whose heartbeat was sent."""
    requests = Requests(TIMES)
    requests.connected([], 0)
    assert requests.take(0) == [HEARTBEAT]
    return requests


def busy(op_id: str | None = None) -> Failure:
    return Failure("busy", "Retry.", op_id)


def test_new_connection_sends_the_heartbeat_and_then_the_pending_clicks() -> None:
    requests = Requests(TIMES)
    requests.connected([FIRST, SECOND], 7)
    assert requests.take(7) == [HEARTBEAT, FIRST, SECOND]
    assert requests.take(7) == []


def test_requests_count_what_was_sent(requests: Requests) -> None:
    requests.add(FIRST, 1)
    requests.take(1)
    assert requests.sent == 2
    requests.connected([FIRST], 2)
    requests.take(2)
    assert requests.sent == 4


def test_heartbeat_is_due_a_while_after_each_value(requests: Requests) -> None:
    requests.settle(Update(1), 1)
    requests.settle(Update(2), 30)
    assert requests.due_at == 90
    assert requests.take(89.9) == []
    assert requests.take(90) == [HEARTBEAT]


def test_connection_without_pending_requests_never_dies(requests: Requests) -> None:
    requests.settle(Update(1), 1)
    assert requests.dead_at == inf


def test_connection_dies_when_a_request_has_no_response(requests: Requests) -> None:
    assert requests.dead_at == 5


def test_other_frames_postpone_the_death_of_a_connection_once(requests: Requests) -> None:
    requests.settle(Update(1), 1)
    requests.add(FIRST, 1)
    requests.take(1)
    requests.settle(Update(2), 4)
    assert requests.dead_at == 9
    requests.settle(Update(3), 8)
    assert requests.dead_at == 11


def test_patience_doubles_with_each_dead_connection_up_to_a_minute(requests: Requests) -> None:
    for patience in (10, 20, 40, 60, 60):
        requests.died()
        assert requests.patience == patience


def test_patience_stays_above_the_round_trip_of_a_slow_link(requests: Requests) -> None:
    requests.died()
    requests.died()
    requests.settle(Update(1), 12)
    assert requests.patience == 24
    for sent_at in range(100, 1000, 100):
        requests.take(sent_at)
        requests.settle(Update(1), sent_at + 12)
        assert requests.patience == 24


def test_patience_shrinks_when_responses_are_fast_again(requests: Requests) -> None:
    requests.died()
    requests.died()
    requests.settle(Update(1), 1)
    assert requests.patience == 10
    requests.take(100)
    requests.settle(Update(1), 101)
    assert requests.patience == 5


def test_round_trip_is_that_of_the_click_that_was_acknowledged(requests: Requests) -> None:
    requests.add(FIRST, 1)
    requests.add(SECOND, 2)
    requests.take(1)
    requests.take(2)
    requests.settle(Update(1, FIRST), 4)
    assert requests.round_trip == 3
    requests.settle(Update(2, SECOND), 4)
    assert requests.round_trip == 2


def test_failed_click_is_retried_later_each_time(requests: Requests) -> None:
    requests.settle(Update(0), 0)
    requests.add(FIRST, 0)
    now, delays = 0.0, []
    for _ in range(6):
        assert requests.take(now) == [FIRST]
        requests.settle(busy(FIRST), now)
        delays.append(requests.due_at - now)
        now = requests.due_at
    for earlier, later in pairwise(delays):
        assert later > earlier or later >= MAX_RETRY_SECONDS
    assert 0.5 <= delays[0] <= 0.75
    assert max(delays) <= 1.5 * MAX_RETRY_SECONDS


def test_failures_of_clicks_that_were_sent_together_count_once(requests: Requests) -> None:
    requests.settle(Update(0), 0)
    for op_id in (FIRST, SECOND):
        requests.add(op_id, 0)
    requests.take(0)
    requests.settle(busy(FIRST), 0.1)
    requests.settle(busy(SECOND), 0.1)
    assert requests.due_at <= 0.1 + 0.75
    assert requests.take(0.1 + 0.75) == [FIRST, SECOND]


def test_new_click_waits_with_those_that_are_retried(requests: Requests) -> None:
    requests.settle(Update(0), 0)
    requests.add(FIRST, 0)
    requests.take(0)
    requests.settle(busy(FIRST), 0.1)
    requests.add(SECOND, 0.2)
    assert requests.take(0.3) == []
    assert requests.take(1) == [FIRST, SECOND]


def test_error_about_a_click_leaves_other_clicks_pending(requests: Requests) -> None:
    requests.settle(Update(0), 0)
    for op_id in (FIRST, SECOND):
        requests.add(op_id, 0)
    requests.take(0)
    requests.settle(busy(FIRST), 1)
    assert requests.take(5) == [FIRST]


def test_error_of_the_gateway_retries_every_pending_request(requests: Requests) -> None:
    requests.add(FIRST, 0)
    requests.take(0)
    requests.settle(Failure("gateway", "Internal server error"), 1)
    assert requests.dead_at == inf
    assert set(requests.take(5)) == {HEARTBEAT, FIRST}


def test_removed_click_is_neither_sent_nor_awaited(requests: Requests) -> None:
    requests.settle(Update(0), 0)
    requests.add(FIRST, 0)
    requests.add(SECOND, 0)
    requests.remove(FIRST)
    assert requests.take(0) == [SECOND]
    requests.remove(SECOND)
    assert requests.dead_at == inf
