from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from counter_service.runtime.core.ports import BroadcastLease

NOW = 1_772_545_400
LATER = NOW + 12


def test_a_free_lease_is_given(lease: BroadcastLease) -> None:
    assert lease.request("me", NOW, LATER) == 1


def test_a_lease_that_is_held_is_not_given(lease: BroadcastLease) -> None:
    lease.request("me", NOW, LATER)
    assert lease.request("you", NOW, LATER) is None
    assert lease.request("they", LATER - 1, LATER + 12) is None


def test_its_owner_gets_it_again(lease: BroadcastLease) -> None:
    """As when the first answer was lost and the request was sent once more."""
    lease.request("me", NOW, LATER)
    assert lease.request("me", NOW, LATER) == 2


def test_released_without_another_ticket(lease: BroadcastLease) -> None:
    ticket = lease.request("me", NOW, LATER)
    assert ticket
    assert lease.release("me", ticket, LATER) is None
    assert lease.request("you", NOW, LATER) == 2


def test_kept_for_a_ticket_that_was_drawn_meanwhile(lease: BroadcastLease) -> None:
    ticket = lease.request("me", NOW, LATER)
    assert ticket == 1
    lease.request("you", NOW, LATER)
    lease.request("they", NOW, LATER)
    assert lease.release("me", ticket, LATER + 12) == 3
    # And renewed with it.
    assert lease.request("you", LATER, LATER + 12) is None
    assert lease.release("me", 4, LATER) is None


def test_an_expired_lease_is_taken_over(lease: BroadcastLease) -> None:
    ticket = lease.request("crashed", NOW, LATER)
    assert ticket
    assert lease.request("me", LATER, LATER + 12) == 2
    assert lease.release("crashed", ticket, LATER + 12) is None
    assert lease.request("you", LATER, LATER + 12) is None, "the crashed one released my lease"


def test_one_of_many_takes_over(lease: BroadcastLease) -> None:
    lease.request("crashed", NOW, LATER)
    together = Barrier(8)

    def request(number: int) -> int | None:
        together.wait(timeout=10)
        return lease.request(f"heir {number}", LATER, LATER + 12)

    with ThreadPoolExecutor(8) as pool:
        tickets = [ticket for ticket in pool.map(request, range(8)) if ticket is not None]
    assert len(tickets) == 1


def test_abandoned_whatever_was_drawn(lease: BroadcastLease) -> None:
    lease.request("me", NOW, LATER)
    lease.request("you", NOW, LATER)
    lease.abandon("me")
    assert lease.request("they", NOW, LATER) == 3


def test_only_its_owner_abandons_it(lease: BroadcastLease) -> None:
    lease.request("me", NOW, LATER)
    lease.abandon("you")
    assert lease.request("they", NOW, LATER) is None


def test_expiry_is_seen(lease: BroadcastLease) -> None:
    assert not lease.is_expired(NOW)
    ticket = lease.request("me", NOW, LATER)
    assert ticket
    assert not lease.is_expired(LATER - 1)
    assert lease.is_expired(LATER)
    lease.release("me", ticket, LATER)
    assert not lease.is_expired(LATER + 1000)
