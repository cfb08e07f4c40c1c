"""Sends the newest value to every connection, from at most one invocation at a time.

The order makes this right: count, take a ticket, list the audience, read the value, post. An
invocation takes a ticket after it has counted. If the lease is free, the invocation acquires it
and broadcasts, and it releases the lease only if no newer ticket was taken meanwhile. So no value
is left unsent. simulation/lease_model.py explores every interleaving of this order, and of four
others that leave a client with an old value.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Final

from . import protocol
from .errors import StoreUnavailable
from .outcome import DeliveryStats
from .ports import (
    BroadcastLease,
    Clock,
    ConnectionStore,
    CounterStore,
    Delivery,
    Outbox,
    SelfInvoker,
)

# Longer than the longest fan-out (fan_out.Limits.fan_out_seconds) and renewed after each one, so
# it expires only if its owner crashed.
LEASE_SECONDS: Final = 12
# Measured from the start of the invocation. After this the owner starts no new broadcast and
# hands over to another invocation, because API Gateway gives up on one after 29 s.
MAX_BROADCAST_SECONDS: Final = 8
# A 410 also means "not open yet", so the row of a connection younger than this is kept.
GONE_AGE_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class SentValue:
    """A value that one connection already has, so that a broadcast of it leaves it out."""

    connection_id: str
    value: int


@dataclass(frozen=True, slots=True)
class Broadcaster:
    counter: CounterStore
    connections: ConnectionStore
    lease: BroadcastLease
    outbox: Outbox
    clock: Clock
    self_invoker: SelfInvoker
    new_owner: Callable[[], str]  # a unique name for each call
    interval_ms: int = 0  # minimum time from one broadcast to the next

    def send_value(self, connection_id: str, value: int, op_id: str | None = None) -> DeliveryStats:
        """Post the value to one connection, as the acknowledgement of `op_id` if there is one."""
        return self._post(protocol.counter_update(value, op_id), [connection_id])

    def broadcast(
        self, invocation_started_ms: int, already_sent: SentValue | None = None
    ) -> DeliveryStats:
        """Broadcast after a committed count. Returns at once if another invocation broadcasts.

        If DynamoDB fails, the result is `incomplete`, and the next click sends what was not sent.
        """
        owner = self.new_owner()
        try:
            now_s = self.clock.now_s()
            ticket = self.lease.request(owner, now_s, now_s + LEASE_SECONDS)
        except StoreUnavailable:
            return DeliveryStats(incomplete=True)
        stats = DeliveryStats()
        try:
            while ticket is not None:
                if self.clock.now_ms() - invocation_started_ms >= MAX_BROADCAST_SECONDS * 1000:
                    # Release before handing over, so that the next invocation finds it free.
                    self.lease.abandon(owner)
                    self.self_invoker.continue_broadcast()
                    return replace(stats, handed_over=True)
                stats += self._broadcast_once(already_sent)
                if stats.incomplete:
                    break
                ticket = self.lease.release(owner, ticket, self.clock.now_s() + LEASE_SECONDS)
        except StoreUnavailable:
            stats = replace(stats, incomplete=True)
        if stats.incomplete:
            # Otherwise no invocation could broadcast until the lease expires.
            with suppress(StoreUnavailable):
                self.lease.abandon(owner)
        return stats

    def resume_abandoned_broadcast(self, invocation_started_ms: int) -> DeliveryStats:
        """Broadcast if an invocation crashed while it held the lease."""
        try:
            if not self.lease.is_expired(self.clock.now_s()):
                return DeliveryStats()
        except StoreUnavailable:
            return DeliveryStats(incomplete=True)
        return self.broadcast(invocation_started_ms)

    def _broadcast_once(self, already_sent: SentValue | None) -> DeliveryStats:
        started_ms = self.clock.now_ms()
        # Read the value after the first page of the audience. A click that is counted while the
        # page is read then goes out with this broadcast, not with the next.
        listing = self.connections.audience(self.clock.now_s())
        first = list(islice(listing, 1))
        value = self.counter.value()
        exclude = None
        if already_sent and already_sent.value == value:
            exclude = already_sent.connection_id
        failures: list[StoreUnavailable] = []
        audience = _until_it_fails(chain(first, listing), failures)
        others = (connection_id for connection_id in audience if connection_id != exclude)
        stats = self._post(protocol.counter_update(value), others)
        if failures:
            return replace(stats, incomplete=True)
        self.clock.sleep_until_ms(started_ms + self.interval_ms)
        return replace(stats, broadcasts=1)

    def _post(self, message: str, audience: Iterable[str]) -> DeliveryStats:
        deliveries = self.outbox.post(message, audience)
        stats = DeliveryStats.of(Counter(deliveries.values()))
        gone = (each for each, delivery in deliveries.items() if delivery is Delivery.GONE)
        return replace(stats, stale_rows_left=not self._remove_gone(gone))

    def _remove_gone(self, connection_ids: Iterator[str]) -> bool:
        """Delete the rows of closed connections. Returns False if DynamoDB failed."""
        connected_before = self.clock.now_s() - GONE_AGE_SECONDS
        try:
            for connection_id in connection_ids:
                self.connections.remove_gone(connection_id, connected_before)
        except StoreUnavailable:
            return False
        return True


def _until_it_fails(listing: Iterator[str], failures: list[StoreUnavailable]) -> Iterator[str]:
    """The listing up to its failure, which is appended to `failures` instead of raised.

    An outbox reads its audience while it posts, so the connections before the failure get theirs.
    """
    try:
        yield from listing
    except StoreUnavailable as failure:
        failures.append(failure)
