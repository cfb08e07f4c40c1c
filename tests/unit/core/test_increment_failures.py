"""Increments while DynamoDB fails: what is counted, who receives what, and what is retried."""

from collections.abc import Iterator

import pytest

from counter_service.runtime.core.backoff import ATTEMPTS
from counter_service.runtime.core.errors import StoreUnavailable
from counter_service.runtime.core.protocol import ErrorCode
from simulation.fakes import InMemoryConnectionStore, InMemoryCounterStore
from tests.unit.core.service_fixture import BUSY, OP_ID, UNAVAILABLE, ServiceFixture, error, update
from tests.unit.outcomes import outcome

both_increments = pytest.mark.parametrize(
    ("op_id", "operation"), [(None, "increment"), (OP_ID, "increment_once")]
)


@both_increments
def test_conflicting_increment_is_retried_until_it_counts(
    service: ServiceFixture, op_id: str | None, operation: str
) -> None:
    service.counter.fail_next(operation, BUSY, times=3)
    result = service.increment("bob", op_id)
    assert result == outcome("increment", 42, retries=3, broadcasts=1, delivered=3)
    assert service.counter.count == 42
    assert service.clock.sleeps[:3] == [10, 20, 40]


@both_increments
@pytest.mark.parametrize(
    ("failure", "times", "code", "retries"),
    [
        (BUSY, 100, ErrorCode.BUSY, ATTEMPTS - 1),
        (UNAVAILABLE, 1, ErrorCode.UNAVAILABLE, 0),
    ],
)
def test_failed_increment_counts_nothing_and_replies_with_an_error(
    service: ServiceFixture,
    op_id: str | None,
    operation: str,
    failure: StoreUnavailable,
    times: int,
    code: ErrorCode,
    retries: int,
) -> None:
    service.counter.fail_next(operation, failure, times)
    result = service.increment("bob", op_id)
    assert result == outcome("increment", error=code, retries=retries)
    assert result.is_our_failure
    assert service.counter.count == 41
    assert service.outbox.inboxes() == {"bob": [error(code, op_id)]}


def test_increment_with_an_unknown_outcome_is_not_retried(service: ServiceFixture) -> None:
    """The fake counts the click and loses the reply. A retry would count it twice."""
    service.counter.lose_next_reply()
    assert service.increment("bob") == outcome("increment", error="unknown-outcome")
    assert (service.counter.count, service.clock.sleeps) == (42, [])
    assert service.outbox.inboxes() == {"bob": [error(ErrorCode.UNKNOWN_OUTCOME)]}


def test_increment_is_counted_once_when_the_read_conflicts(service: ServiceFixture) -> None:
    class Sharded(InMemoryCounterStore):
        def increment(self) -> int | None:  # type: ignore[override]
            super().increment()
            return None

    service.counter = Sharded(41)
    service.counter.fail_next("value", BUSY)
    result = service.increment("bob")
    assert result == outcome(
        "increment", error="unknown-outcome", counted=True, broadcasts=1, delivered=3
    )
    assert service.counter.count == 42
    assert service.outbox.received("bob") == [error(ErrorCode.UNKNOWN_OUTCOME), update(42)]


@pytest.mark.parametrize(
    ("store", "operation"), [("connections", "audience"), ("counter", "value")]
)
def test_increment_is_acknowledged_when_its_broadcast_fails(
    service: ServiceFixture, store: str, operation: str
) -> None:
    """The click is counted, so its sender must not get an error and click again."""
    getattr(service, store).fail_next(operation, UNAVAILABLE)
    result = service.increment("bob")
    assert result == outcome("increment", 42, error="broadcast-incomplete", delivered=1)
    assert service.outbox.inboxes() == {"bob": [update(42)]}
    # The lease is released, so the next click broadcasts.
    service.increment("ann")
    assert service.outbox.received("eve") == [update(43)]


def test_increment_is_sent_to_the_listed_part_of_the_audience(service: ServiceFixture) -> None:
    class FailsAfterThePage(InMemoryConnectionStore):
        def audience(
            self, now_s: int, until_ms: float = float("inf"), after: str | None = None
        ) -> Iterator[str]:
            yield "ann"
            raise UNAVAILABLE

    service.connections = FailsAfterThePage(*service.connections.rows.values())
    result = service.increment("bob")
    assert result == outcome("increment", 42, error="broadcast-incomplete", delivered=2)
    assert service.outbox.inboxes() == {"bob": [update(42)], "ann": [update(42)]}


def test_increment_leaves_a_stale_row_to_the_next_click(service: ServiceFixture) -> None:
    service.outbox.open.remove("eve")
    service.connections.fail_next("remove_gone", UNAVAILABLE)
    result = service.increment("bob")
    assert result == outcome(
        "increment", 42, error="cleanup-incomplete", broadcasts=1, delivered=2, gone=1
    )
    assert "eve" in service.connections.rows
    assert service.outbox.inboxes() == {"ann": [update(42)], "bob": [update(42)]}
    service.increment("bob")
    assert set(service.connections.rows) == {"ann", "bob"}
