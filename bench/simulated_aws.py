"""Simulates DynamoDB and Lambda in virtual time, behind the service's ports.

Assumed for every design: a call to DynamoDB takes 5 ms and commits halfway. Items have no write
limit here. DynamoDB's is about 1,000 per second.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from counter_service.costs.units import DYNAMODB_SECONDS
from counter_service.runtime.core.ports import Connection, CounterStore, Progress, SelfInvoker
from simulation.fakes import InMemoryConnectionStore, InMemoryCounterStore, InMemoryLease
from simulation.timeline import Timeline
from simulation.virtual_time import START_MS

from .simulated_gateway import Broadcasts, Clients

INVOKE_SECONDS: Final = 0.020  # self-invocation of a warm function

EPOCH: Final = START_MS // 1000  # the start of virtual time


class SimulatedCounter(CounterStore):
    """A counter store whose calls take time."""

    def __init__(self, timeline: Timeline, clients: Clients) -> None:
        self._timeline, self._clients = timeline, clients
        self._rows = InMemoryCounterStore()

    def increment(self) -> int:
        self._timeline.sleep(DYNAMODB_SECONDS / 2)
        value = self._rows.increment()
        self._clients.committed(value)
        self._timeline.sleep(DYNAMODB_SECONDS / 2)
        return value

    def increment_once(self, op_id: str, expires_at: int) -> bool:
        self._timeline.sleep(DYNAMODB_SECONDS / 2)
        counted = self._rows.increment_once(op_id, expires_at)
        self._clients.committed(self.value_now())
        self._timeline.sleep(DYNAMODB_SECONDS / 2)
        return counted

    def value(self) -> int:
        self._timeline.sleep(DYNAMODB_SECONDS / 2)
        value = self.value_now()
        self._timeline.sleep(DYNAMODB_SECONDS / 2)
        return value

    def value_now(self) -> int:
        return self._rows.count


class SimulatedConnections(InMemoryConnectionStore):
    """A connection store whose calls take time. It lists all connections in one page."""

    timeline: Timeline
    broadcasts: Broadcasts

    def put(self, connection: Connection) -> None:
        self.timeline.sleep(DYNAMODB_SECONDS / 2)
        super().put(connection)
        self.timeline.sleep(DYNAMODB_SECONDS / 2)

    def audience(
        self, now_s: int, until_ms: float = float("inf"), after: str | None = None
    ) -> Iterator[str]:
        if after is None:
            self.broadcasts.began = self.timeline.now
        self.timeline.sleep(DYNAMODB_SECONDS / 2)
        rows = list(super().audience(now_s, until_ms, after))
        self.timeline.sleep(DYNAMODB_SECONDS / 2)
        yield from rows


class SimulatedLease(InMemoryLease):
    """A lease whose calls take time.

    Attributes:
        writes: Number of writes to the lease's row so far.
    """

    timeline: Timeline
    writes = 0
    _renewed_until = 0

    def request(self, owner: str, now: int, until: int) -> int | None:
        return self._call(lambda: super(SimulatedLease, self).request(owner, now, until))

    def release(self, owner: str, ticket: int, until: int) -> int | None:
        newer = self._call(lambda: super(SimulatedLease, self).release(owner, ticket, until))
        if newer is not None and self._renewed_until != until:
            # This follows runtime/dynamodb/lease.py: the rejected write returns the newest ticket,
            # and a second write renews the lease.
            self._renewed_until = until
            newer = self._call(lambda: self.tickets)
        return newer

    def renew(self, owner: str, until: int) -> bool:
        return bool(self._call(lambda: super(SimulatedLease, self).renew(owner, until)))

    def abandon(self, owner: str) -> None:
        self._call(lambda: super(SimulatedLease, self).abandon(owner))

    def is_expired(self, now: int) -> bool:
        self.timeline.sleep(DYNAMODB_SECONDS)
        return super().is_expired(now)

    def _call(self, operation: Callable[[], int | None]) -> int | None:
        self.writes += 1
        self.timeline.sleep(DYNAMODB_SECONDS / 2)
        result = operation()
        self.timeline.sleep(DYNAMODB_SECONDS / 2)
        return result


class SimulatedSelfInvoker(SelfInvoker):
    """Starts an invocation that continues a broadcast.

    Attributes:
        work: What the invocation does.
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self.work: Callable[[Progress], object] = lambda _: None

    def continue_broadcast(self, progress: Progress) -> None:
        work = partial(self.work, progress)
        self._timeline.after(INVOKE_SECONDS, lambda: self._timeline.start(work))
