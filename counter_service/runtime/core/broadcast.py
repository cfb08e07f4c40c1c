"""At most one invocation broadcasts at a time, always the newest value, and none is left unsent.

The order is what makes it right: count, then ticket, then list and value. Whoever counts draws
a ticket; whoever finds the lease free holds it, lists the audience, reads the value, posts it to
everyone, and lets go only if no ticket was drawn meanwhile. simulation/ explores every
interleaving of this, and of four orders that look as good and are not.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Final

from . import protocol
from .errors import StoreUnavailable
from .ports import (
    BroadcastLease,
    Clock,
    ConnectionStore,
    CounterStore,
    Delivery,
    Outbox,
    SelfInvoker,
)

# Longer than any fan-out (fan_out.Limits.fan_out_seconds), between two of which it is renewed:
# it expires only under an owner that has crashed.
LEASE_SECONDS: Final = 12
# From an invocation's beginning; then it begins no further broadcast, and another goes on. API
# Gateway gives up on one after 29 s.
MAX_BROADCAST_SECONDS: Final = 8
# 410 also means "not open yet": a handshake that we have just answered is not a ghost.
GONE_AGE_SECONDS: Final = 30


@dataclass(slots=True)
class DeliveryStats:
    """What became of some posts. `clean` is false when ghosts could not be removed."""

    broadcasts: int = 0
    outcomes: Counter[Delivery] = field(default_factory=Counter)
    clean: bool = True
    handed_over: bool = False


@dataclass(frozen=True, slots=True)
class Broadcaster:
    counter: CounterStore
    connections: ConnectionStore
    lease: BroadcastLease
    outbox: Outbox
    clock: Clock
    successor: SelfInvoker
    new_owner: Callable[[], str]  # a name that nobody else has
    interval_ms: int = 0  # at least so long from one broadcast to the next

    def tell(
        self, connection_id: str, value: int, posted: DeliveryStats, op_id: str | None = None
    ) -> bool:
        """Post the value to one connection; say whether a broadcast of it may leave it out."""
        deliveries = self.outbox.post(protocol.counter_update(value, op_id), [connection_id])
        self._settle(deliveries, posted)
        return deliveries[connection_id] in (Delivery.DELIVERED, Delivery.GONE)

    def broadcast(
        self, posted: DeliveryStats, began: int, told: tuple[str, int] | None = None
    ) -> None:
        """To be called after a count has been committed; returns at once if another broadcasts.

        `began` is when the invocation did, in epoch milliseconds. `told` is a connection that has
        just been told a value, and need not be told it again. Raises StoreUnavailable; whatever
        was not sent then is sent after the next click.
        """
        owner = self.new_owner()
        now = self.clock.now()
        ticket = self.lease.request(owner, now, now + LEASE_SECONDS)
        try:
            while ticket is not None:
                if self.clock.milliseconds() - began >= MAX_BROADCAST_SECONDS * 1000:
                    # Free first: the successor draws a ticket of its own and finds it so.
                    self.lease.abandon(owner)
                    self.successor.take_over()
                    posted.handed_over = True
                    return
                self._broadcast_once(posted, told)
                ticket = self.lease.release(owner, ticket, self.clock.now() + LEASE_SECONDS)
        except StoreUnavailable:
            # Or nobody could broadcast until it expires.
            with suppress(StoreUnavailable):
                self.lease.abandon(owner)
            raise

    def _broadcast_once(self, posted: DeliveryStats, told: tuple[str, int] | None) -> None:
        began = self.clock.milliseconds()
        # The value last, behind the first page of the audience: what is counted while a page is
        # read goes out with this broadcast, not with the next.
        pages = self.connections.audience(self.clock.now())
        first = list(islice(pages, 1))
        value = self.counter.value()
        knows = told[0] if told and told[1] == value else None
        failures: list[StoreUnavailable] = []
        audience = _until_it_fails(chain(first, pages), failures)
        others = (connection_id for connection_id in audience if connection_id != knows)
        self._settle(self.outbox.post(protocol.counter_update(value), others), posted)
        if failures:
            raise failures[0]
        posted.broadcasts += 1
        self.clock.sleep_until(began + self.interval_ms)

    def resume_abandoned_broadcast(self, posted: DeliveryStats, began: int) -> None:
        """Do what a crashed invocation left undone. Raises StoreUnavailable."""
        if self.lease.is_expired(self.clock.now()):
            self.broadcast(posted, began)

    def _settle(self, deliveries: Mapping[str, Delivery], posted: DeliveryStats) -> None:
        posted.outcomes.update(deliveries.values())
        connected_before = self.clock.now() - GONE_AGE_SECONDS
        try:
            for connection_id, delivery in deliveries.items():
                if delivery is Delivery.GONE:
                    self.connections.remove_gone(connection_id, connected_before)
        except StoreUnavailable:
            posted.clean = False  # the next broadcast meets the same ghosts


def _until_it_fails(listing: Iterator[str], failures: list[StoreUnavailable]) -> Iterator[str]:
    """A listing that fails ends, and says so afterwards: what was listed before is posted to."""
    try:
        yield from listing
    except StoreUnavailable as failure:
        failures.append(failure)
