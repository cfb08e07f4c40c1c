"""Sends the newest value to every connection, from at most one invocation at a time.

The order of the steps ensures that no value is left unsent: count, take a ticket, list the
audience, read the value, post. If the lease is free when an invocation takes its ticket, the
invocation acquires the lease and broadcasts. It releases the lease only if no newer ticket was
taken meanwhile, and broadcasts again otherwise.

If the time is up before every connection was reached, the owner renews the lease and continues
after the last connection that it reached, with the value that it reads then. It keeps its ticket,
because the connections that it reached first may lack that value. An invocation that has no time
left for this hands the lease over to another invocation, which continues as the same owner.

simulation/lease_model.py explores every interleaving of this order, and of others that leave a
client with an old value.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Final

from . import protocol
from .backoff import Backoff
from .errors import StoreUnavailable
from .outcome import DeliveryStats
from .ports import (
    BroadcastLease,
    Clock,
    ConnectionStore,
    CounterStore,
    Delivery,
    Outbox,
    PostResult,
    Progress,
    SelfInvoker,
)

# The lease covers a whole broadcast, and is renewed for the next one. So it expires only if its
# owner crashed.
LEASE_SECONDS: Final = 16
# The lease while a broadcast is handed over. If the other invocation has not started by its end,
# the next click acquires the lease.
HAND_OVER_SECONDS: Final = 5
# The longest call of a store (dynamodb/client.py), and the longest post (fanout/fan_out.py).
STORE_MS: Final = 4_000
POST_MS: Final = 2_000
# No post starts in this last part of the lease, which leaves time for the last post and a release.
RESERVE_MS: Final = STORE_MS + POST_MS
# A 410 also means "not open yet", so the row of a connection younger than this is kept.
GONE_AGE_SECONDS: Final = 30
# Rows of closed connections that one invocation deletes at most after its broadcasts, and how many
# at once. The next broadcast finds the rest.
MAX_CLEANUP: Final = 500
CLEANUP_BATCH: Final = 50


@dataclass(frozen=True, slots=True)
class SentValue:
    """A value that one connection already has. A broadcast of this value skips the connection."""

    connection_id: str
    value: int


@dataclass(frozen=True, slots=True)
class _Term:
    """The time until which the lease is held, unless it is renewed."""

    ends_s: int  # epoch seconds
    covers_broadcast: bool  # otherwise it only covers a hand-over

    @property
    def ends_ms(self) -> int:
        return self.ends_s * 1000


@dataclass(slots=True, eq=False)
class Broadcaster:
    """Posts the value to one connection, or to all of them while it owns the lease."""

    counter: CounterStore
    connections: ConnectionStore
    lease: BroadcastLease
    outbox: Outbox
    clock: Clock
    backoff: Backoff
    self_invoker: SelfInvoker
    new_owner: Callable[[], str]  # a unique name for each call

    def send_value(self, connection_id: str, value: int, op_id: str | None = None) -> DeliveryStats:
        """Post the value to one connection, as the acknowledgement of `op_id` if there is one."""
        message = protocol.counter_update(value, op_id)
        stats, gone = _summary(self.outbox.post(message, [connection_id]))
        return stats + self._clean_up(gone, self.clock.now_ms() + STORE_MS)

    def broadcast(self, deadline_ms: float, already_sent: SentValue | None = None) -> DeliveryStats:
        """Broadcast after a committed count. Returns at once if another invocation broadcasts.

        If DynamoDB fails, the result is `incomplete`, and the next click's broadcast makes up for
        it.

        Args:
            deadline_ms: Epoch milliseconds at which this invocation is killed.
            already_sent: The value that the acknowledgement sent to the click's sender.
        """
        owner, term = self.new_owner(), self._term(deadline_ms)
        try:
            ticket = self.lease.request(owner, self.clock.now_s(), term.ends_s)
        except StoreUnavailable:
            return DeliveryStats(incomplete=True)
        if ticket is None:
            return DeliveryStats()
        return self._broadcast(Progress(owner, ticket), term, deadline_ms, already_sent)

    def continue_broadcast(self, progress: Progress, deadline_ms: float) -> DeliveryStats:
        """Continue the broadcast of an invocation that had no time left."""
        term = self._term(deadline_ms)
        try:
            if not self.lease.renew(progress.owner, term.ends_s):
                return DeliveryStats()  # started too late: another invocation has the lease
        except StoreUnavailable:
            return DeliveryStats(incomplete=True)
        return self._broadcast(progress, term, deadline_ms)

    def resume_abandoned_broadcast(self, deadline_ms: float) -> DeliveryStats:
        """Broadcast if an invocation crashed while it owned the lease."""
        try:
            if not self.lease.is_expired(self.clock.now_s()):
                return DeliveryStats()
        except StoreUnavailable:
            return DeliveryStats(incomplete=True)
        return self.broadcast(deadline_ms)

    def _term(self, deadline_ms: float) -> _Term:
        """The term that an invocation which is killed at `deadline_ms` can start now."""
        now_s = self.clock.now_s()
        if (now_s + LEASE_SECONDS) * 1000 <= deadline_ms:
            return _Term(now_s + LEASE_SECONDS, covers_broadcast=True)
        return _Term(now_s + HAND_OVER_SECONDS, covers_broadcast=False)

    def _broadcast(
        self,
        start: Progress,
        term: _Term,
        deadline_ms: float,
        already_sent: SentValue | None = None,
    ) -> DeliveryStats:
        """Broadcast as the owner of the lease until everything is sent or handed over."""
        stats = DeliveryStats()
        gone: dict[str, None] = {}  # an ordered set, because each broadcast finds the same ids
        progress: Progress | None = start
        while progress:
            if not term.covers_broadcast:
                stats += self._hand_over(progress, term)
                break
            done, newly_gone, reached = self._post(progress, term, already_sent)
            stats += done
            gone |= dict.fromkeys(newly_gone)
            if done.incomplete:
                self._abandon(progress.owner, term)
                break
            following = self._term(deadline_ms)
            try:
                progress = self._next(progress, reached, term, following)
            except StoreUnavailable:
                stats += DeliveryStats(incomplete=True)
                break
            term = following
        # Clean up last, because no broadcast may wait for it.
        return stats + self._clean_up(list(gone)[:MAX_CLEANUP], deadline_ms - STORE_MS)

    def _post(
        self, progress: Progress, term: _Term, already_sent: SentValue | None
    ) -> tuple[DeliveryStats, list[str], str | None]:
        """Post to the connections that were not reached yet, as far as the term has time.

        Returns:
            The stats of the posts, the connections that are gone, and the last connection that was
            reached. The last is None if all were reached, or if the stats are `incomplete`.
        """
        until_ms = term.ends_ms - RESERVE_MS
        # Read the value after the first page of the audience, so that this broadcast contains the
        # clicks that were counted while the page was read.
        try:
            listing = self.connections.audience(self.clock.now_s(), until_ms, progress.reached)
            first = list(islice(listing, 1))
            if self.clock.now_ms() + STORE_MS > until_ms:
                return DeliveryStats(incomplete=True), [], None
            value = self.counter.value()
        except StoreUnavailable:
            return DeliveryStats(incomplete=True), [], None
        exclude = None
        if already_sent and already_sent.value == value:
            exclude = already_sent.connection_id
        failures: list[StoreUnavailable] = []
        audience = _until_it_fails(chain(first, listing), failures)
        others = (connection_id for connection_id in audience if connection_id != exclude)
        result = self.outbox.post(protocol.counter_update(value), others, until_ms)
        stats, gone = _summary(result)
        if failures:
            return replace(stats, incomplete=True), gone, None
        if result.is_complete:
            return replace(stats, broadcasts=1), gone, None
        reached = next(reversed(result.deliveries), None)
        return replace(stats, incomplete=reached is None), gone, reached

    def _next(
        self, progress: Progress, reached: str | None, term: _Term, following: _Term
    ) -> Progress | None:
        """Renew the lease and return what is left to broadcast, or release it and return None.

        None also means that the lease expired and belongs to another owner. Retries until the lease
        ends, because a lease that is not released blocks all other invocations.

        Args:
            reached: The last connection that was reached; None: all were.
        """
        owner = progress.owner
        for _ in self.backoff.attempts(term.ends_ms):
            try:
                if reached:
                    is_mine = self.lease.renew(owner, following.ends_s)
                    return replace(progress, reached=reached) if is_mine else None
                newer = self.lease.release(owner, progress.ticket, following.ends_s)
                return None if newer is None else replace(progress, ticket=newer, reached=None)
            except StoreUnavailable as problem:
                failure = problem
        raise failure

    def _abandon(self, owner: str, term: _Term) -> None:
        """Release the lease even if newer tickets exist. Retries until the lease ends."""
        for _ in self.backoff.attempts(term.ends_ms):
            with suppress(StoreUnavailable):
                self.lease.abandon(owner)
                return

    def _hand_over(self, progress: Progress, term: _Term) -> DeliveryStats:
        try:
            self.self_invoker.continue_broadcast(progress)
        except StoreUnavailable:
            self._abandon(progress.owner, term)
            return DeliveryStats(incomplete=True)
        return DeliveryStats(handed_over=True)

    def _clean_up(self, gone: list[str], until_ms: float) -> DeliveryStats:
        """Delete the rows of closed connections, except young ones."""
        connected_before = self.clock.now_s() - GONE_AGE_SECONDS
        try:
            for start in range(0, len(gone), CLEANUP_BATCH):
                if self.clock.now_ms() >= until_ms:
                    break
                batch = gone[start : start + CLEANUP_BATCH]
                self.connections.remove_gone(batch, connected_before)
        except StoreUnavailable:
            return DeliveryStats(stale_rows_left=True)
        return DeliveryStats()


def _summary(result: PostResult) -> tuple[DeliveryStats, list[str]]:
    """The numbers of a post, and the connections that are gone."""
    numbers = Counter(result.deliveries.values())
    gone = [each for each, delivery in result.deliveries.items() if delivery is Delivery.GONE]
    return DeliveryStats.of(numbers, result.throttled), gone


def _until_it_fails(listing: Iterator[str], failures: list[StoreUnavailable]) -> Iterator[str]:
    """The listing up to its failure, which is appended to `failures` instead of raised.

    An outbox must not see the failure, because it still posts to the connections listed before it.
    """
    try:
        yield from listing
    except StoreUnavailable as failure:
        failures.append(failure)
