import pytest

from counter_service.runtime.core.ports import BroadcastLease
from tests.contracts.conftest import together

NOW = 1_772_545_400
LATER = NOW + 12


@pytest.fixture
def ticket(lease: BroadcastLease) -> int:
    """The first ticket of "me", who holds the lease until LATER."""
    ticket = lease.request("me", NOW, LATER)
    assert ticket == 1
    return ticket


def test_lease_that_is_held_is_not_acquired(lease: BroadcastLease, ticket: int) -> None:
    assert lease.request("you", NOW, LATER) is None
    assert lease.request("they", LATER - 1, LATER + 12) is None


def test_lease_is_acquired_again_by_its_owner(lease: BroadcastLease, ticket: int) -> None:
    """The SDK repeats a request whose response was lost."""
    assert lease.request("me", NOW, LATER) == ticket + 1


def test_lease_is_released_without_a_newer_ticket(lease: BroadcastLease, ticket: int) -> None:
    assert lease.release("me", ticket, LATER) is None
    assert lease.request("you", NOW, LATER) == 2


def test_lease_is_renewed_for_a_newer_ticket(lease: BroadcastLease, ticket: int) -> None:
    lease.request("you", NOW, LATER)
    lease.request("they", NOW, LATER)
    assert lease.release("me", ticket, LATER + 12) == 3
    assert lease.request("you", LATER, LATER + 12) is None
    assert lease.release("me", 4, LATER) is None


def test_lease_that_expired_is_acquired_by_another(lease: BroadcastLease, ticket: int) -> None:
    assert lease.request("you", LATER, LATER + 12) == 2
    assert lease.release("me", ticket, LATER + 12) is None
    assert lease.request("they", LATER, LATER + 12) is None, "the old owner released the lease"


def test_lease_that_expired_is_acquired_by_one_of_many(lease: BroadcastLease, ticket: int) -> None:
    tickets = together(lambda number: lease.request(f"owner {number}", LATER, LATER + 12))
    assert len([each for each in tickets if each is not None]) == 1


def test_lease_is_renewed_only_by_its_owner(lease: BroadcastLease, ticket: int) -> None:
    assert lease.renew("me", LATER + 12)
    assert not lease.renew("you", LATER + 100)
    assert lease.request("you", LATER + 11, LATER + 100) is None
    assert lease.release("me", ticket + 1, LATER) is None
    assert not lease.renew("me", LATER + 100)


def test_lease_is_renewed_for_a_shorter_time(lease: BroadcastLease, ticket: int) -> None:
    lease.request("you", NOW, LATER)
    assert lease.release("me", ticket, NOW + 1) == ticket + 1
    assert lease.request("you", NOW + 1, LATER) == ticket + 2


def test_lease_is_abandoned_despite_newer_tickets(lease: BroadcastLease, ticket: int) -> None:
    lease.request("you", NOW, LATER)
    lease.abandon("me")
    assert lease.request("they", NOW, LATER) == 3


def test_lease_is_abandoned_only_by_its_owner(lease: BroadcastLease, ticket: int) -> None:
    lease.abandon("you")
    assert lease.request("they", NOW, LATER) is None


def test_lease_is_expired_until_its_release(lease: BroadcastLease) -> None:
    assert not lease.is_expired(NOW)
    ticket = lease.request("me", NOW, LATER)
    assert ticket
    assert not lease.is_expired(LATER - 1)
    assert lease.is_expired(LATER)
    lease.release("me", ticket, LATER)
    assert not lease.is_expired(LATER + 1000)
