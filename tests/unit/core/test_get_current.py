import pytest

from counter_service.runtime.core.broadcast import LEASE_SECONDS
from counter_service.runtime.core.errors import StoreUnavailable
from counter_service.runtime.core.ports import Connection
from counter_service.runtime.core.protocol import ErrorCode
from simulation.fakes import InMemoryCounterStore
from tests.unit.core.service_fixture import (
    BUSY,
    CONNECTED_AT,
    NOW,
    UNAVAILABLE,
    ServiceFixture,
    error,
    update,
)
from tests.unit.outcomes import outcome


def test_get_current_sends_the_value_only_to_its_sender(service: ServiceFixture) -> None:
    rows = dict(service.connections.rows)
    assert service.get_current("bob") == outcome("get-current", 41, delivered=1)
    assert service.outbox.inboxes() == {"bob": [update(41)]}
    assert (service.counter.count, service.connections.rows) == (41, rows)


def test_get_current_restores_a_missing_row(service: ServiceFixture) -> None:
    del service.connections.rows["bob"]
    service.get_current("bob")
    assert service.connections.rows["bob"] == Connection("bob", CONNECTED_AT)


def test_get_current_misses_no_click_during_its_read(service: ServiceFixture) -> None:
    """The row is put before the value is read, so the broadcast of such a click finds it."""

    class ClickedDuringRead(InMemoryCounterStore):
        clicked = False

        def value(self) -> int:
            value = super().value()
            if not self.clicked:
                self.clicked = True
                service.increment("ann")
            return value

    service.counter = ClickedDuringRead(41)
    del service.connections.rows["bob"]
    service.get_current("bob")
    assert update(42) in service.outbox.received("bob")


@pytest.mark.parametrize("failure", [UNAVAILABLE, BUSY])
@pytest.mark.parametrize(("store", "operation"), [("connections", "put"), ("counter", "value")])
def test_get_current_replies_with_an_error_when_a_store_fails(
    service: ServiceFixture, store: str, operation: str, failure: StoreUnavailable
) -> None:
    getattr(service, store).fail_next(operation, failure)
    assert service.get_current("bob") == outcome("get-current", error="unavailable")
    assert service.outbox.inboxes() == {"bob": [error(ErrorCode.UNAVAILABLE)]}


def test_get_current_removes_the_row_of_a_sender_that_left(service: ServiceFixture) -> None:
    service.outbox.open.remove("bob")
    assert service.get_current("bob") == outcome("get-current", 41, gone=1)
    assert set(service.connections.rows) == {"ann", "eve"}


def test_get_current_resumes_a_broadcast_of_an_expired_lease(service: ServiceFixture) -> None:
    service.lease.request("crashed", NOW, NOW + LEASE_SECONDS)
    service.clock.time += LEASE_SECONDS - 1
    assert service.get_current("bob").deliveries.broadcasts == 0
    service.clock.time += 1
    result = service.get_current("bob")
    assert result == outcome("get-current", 41, broadcasts=1, delivered=4)
    assert service.outbox.received("eve") == [update(41)]
    assert service.get_current("bob").deliveries.broadcasts == 0


def test_get_current_replies_when_the_lease_cannot_be_read(service: ServiceFixture) -> None:
    service.lease.fail_next("is_expired", UNAVAILABLE)
    result = service.get_current("bob")
    assert result == outcome("get-current", 41, error="broadcast-incomplete", delivered=1)
    assert service.outbox.inboxes() == {"bob": [update(41)]}
