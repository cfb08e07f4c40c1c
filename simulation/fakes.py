"""Fakes of the ports, in memory. Tests assert on the state of the fakes, not on calls."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from hashlib import sha256
from threading import Lock
from typing import Any
from uuid import uuid4

from counter_service.runtime.core.errors import OutcomeUnknown, StoreError, StoreUnavailable
from counter_service.runtime.core.ports import (
    BroadcastLease,
    Clock,
    Connection,
    ConnectionStore,
    CounterStore,
    Delivery,
    Outbox,
    Ports,
    PostResult,
    Progress,
    SelfInvoker,
    TokenProblem,
    TokenVerifier,
)


class FakeClock(Clock):
    """A clock that changes only when a test sets `time` or the service sleeps.

    Attributes:
        time: Epoch seconds.
        sleeps: Milliseconds of each sleep.
    """

    def __init__(self, time: int = 1_772_545_400) -> None:
        self._now_ms = time * 1000
        self.sleeps: list[int] = []

    @property
    def time(self) -> int:
        return self._now_ms // 1000

    @time.setter
    def time(self, seconds: int) -> None:
        self._now_ms = seconds * 1000

    def now_s(self) -> int:
        return self.time

    def now_ms(self) -> int:
        return self._now_ms

    def sleep_until_ms(self, moment_ms: int) -> None:
        self.sleeps.append(max(0, moment_ms - self._now_ms))
        self._now_ms = max(self._now_ms, moment_ms)


class FaultInjection:
    """Operations that fail on demand, before they change anything."""

    def __init__(self) -> None:
        self._faults: dict[str, list[StoreError]] = {}

    def fail_next(self, operation: str, failure: StoreError, times: int = 1) -> None:
        """Make the next calls of the method with this name raise."""
        assert callable(getattr(self, operation)), f"There is no operation {operation}."
        self._faults[operation] = [failure] * times

    def _fail_on_demand(self, operation: str) -> None:
        if faults := self._faults.get(operation):
            raise faults.pop()


class InMemoryCounterStore(FaultInjection, CounterStore):
    """A counter store in memory.

    Attributes:
        count: The value.
        operations: Epoch second of expiry, by op id. Expired ones stay, as they do in DynamoDB for
            days.
    """

    def __init__(self, count: int = 0) -> None:
        super().__init__()
        self.count = count
        self.operations: dict[str, int] = {}
        self._lock = Lock()
        self._loses_reply = False

    def lose_next_reply(self) -> None:
        """Count the next increment, but lose the reply."""
        self._loses_reply = True

    def increment(self) -> int:
        self._fail_on_demand("increment")
        with self._lock:
            self.count += 1
            value = self.count
        if self._reply_is_lost():
            raise OutcomeUnknown("increment", "ReadTimeoutError")
        return value

    def increment_once(self, op_id: str, expires_at: int) -> bool:
        self._fail_on_demand("increment_once")
        with self._lock:
            new = op_id not in self.operations
            if new:
                self.operations[op_id] = expires_at
                self.count += 1
        if self._reply_is_lost():
            raise StoreUnavailable("increment", "ReadTimeoutError")
        return new

    def value(self) -> int:
        self._fail_on_demand("value")
        return self.count

    def _reply_is_lost(self) -> bool:
        lost, self._loses_reply = self._loses_reply, False
        return lost


class InMemoryConnectionStore(FaultInjection, ConnectionStore):
    """A connection store in memory.

    Attributes:
        rows: Connections, by id.
        clicks: Epoch second of the last message and number of messages in it, by connection id.
    """

    def __init__(self, *rows: Connection) -> None:
        super().__init__()
        self.rows = {row.id: row for row in rows}
        self._lock = Lock()
        self.clicks: dict[str, tuple[int, int]] = {}

    def put(self, connection: Connection) -> None:
        self._fail_on_demand("put")
        self.rows.setdefault(connection.id, connection)

    def remove(self, connection_id: str) -> None:
        self._fail_on_demand("remove")
        self.rows.pop(connection_id, None)
        self.clicks.pop(connection_id, None)

    def remove_gone(self, connection_ids: Sequence[str], connected_before: int) -> None:
        for connection_id in connection_ids:
            self._fail_on_demand("remove_gone")
            row = self.rows.get(connection_id)
            if row is not None and row.connected_at < connected_before:
                self.clicks.pop(connection_id, None)
                del self.rows[connection_id]

    def count_message(self, connection_id: str, second: int, most: int) -> int:
        self._fail_on_demand("count_message")
        if connection_id not in self.rows:
            return 0
        with self._lock:
            current, clicks = self.clicks.get(connection_id, (second, 0))
            if current < second:
                current, clicks = second, 0
            if clicks < most:
                self.clicks[connection_id] = (current, clicks + 1)
            return clicks + 1

    def audience(
        self, now_s: int, until_ms: float = float("inf"), after: str | None = None
    ) -> Iterator[str]:
        del until_ms
        self._fail_on_demand("audience")
        # In the order of a hash, as in DynamoDB, so that a row's place does not depend on others.
        start = _place(after) if after else b""
        rows = sorted(self.rows.values(), key=lambda row: _place(row.id))
        yield from [row.id for row in rows if row.expires_at > now_s and _place(row.id) > start]


@cache
def _place(connection_id: str) -> bytes:
    """The place of a row in the table."""
    return sha256(connection_id.encode()).digest()


class InMemoryLease(FaultInjection, BroadcastLease):
    """A broadcast lease in memory.

    Attributes:
        tickets: Number of tickets that were taken.
        owner: The invocation that owns the lease until the epoch second `until`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.tickets = 0
        self.owner: str | None = None
        self.until = 0
        self._lock = Lock()  # each method is one request to one row

    def request(self, owner: str, now: int, until: int) -> int | None:
        self._fail_on_demand("request")
        with self._lock:
            self.tickets += 1
            if self.owner not in (None, owner) and self.until > now:
                return None
            if self.owner != owner:
                self.owner, self.until = owner, until
            return self.tickets

    def release(self, owner: str, ticket: int, until: int) -> int | None:
        self._fail_on_demand("release")
        with self._lock:
            if self.owner != owner:
                return None
            if self.tickets == ticket:
                self.owner = None
                return None
            self.until = until
            return self.tickets

    def renew(self, owner: str, until: int) -> bool:
        self._fail_on_demand("renew")
        with self._lock:
            if self.owner != owner:
                return False
            self.until = until
            return True

    def abandon(self, owner: str) -> None:
        self._fail_on_demand("abandon")
        with self._lock:
            if self.owner == owner:
                self.owner = None

    def is_expired(self, now: int) -> bool:
        self._fail_on_demand("is_expired")
        with self._lock:
            return self.owner is not None and self.until <= now


class FakeSelfInvoker(SelfInvoker):
    """Records the broadcasts that other invocations have to continue, in `handed_over`."""

    def __init__(self) -> None:
        self.handed_over: list[Progress] = []

    def continue_broadcast(self, progress: Progress) -> None:
        self.handed_over.append(progress)


class FakeOutbox(Outbox):
    """A gateway with some open connections. Every other connection is gone.

    Attributes:
        open: Ids of the open connections.
        responses: Results of posts to open connections that are not delivered, by connection id.
        delivered: Connection id and message of each delivered post, in order.
        deadlines: The `until_ms` of each call of `post`, in order.
    """

    def __init__(self, *open_connections: str) -> None:
        self.open = set(open_connections)
        self.responses: dict[str, Delivery] = {}
        self.delivered: list[tuple[str, str]] = []
        self.deadlines: list[float] = []

    def received(self, connection_id: str) -> list[dict[str, Any]]:
        """The messages of one connection, in order."""
        return self.inboxes().get(connection_id, [])

    def inboxes(self) -> dict[str, list[dict[str, Any]]]:
        """The messages by connection, for each that received any."""
        inboxes = defaultdict(list)
        for connection_id, message in self.delivered:
            inboxes[connection_id].append(json.loads(message))
        return dict(inboxes)

    def post(
        self, message: str, audience: Iterable[str], until_ms: float = float("inf")
    ) -> PostResult:
        self.deadlines.append(until_ms)
        return PostResult({each: self._post(each, message) for each in audience})

    def close_connection(self, connection_id: str) -> None:
        self.open.discard(connection_id)

    def _post(self, connection_id: str, message: str) -> Delivery:
        if connection_id not in self.open:
            return Delivery.GONE
        delivery = self.responses.get(connection_id, Delivery.DELIVERED)
        if delivery is Delivery.DELIVERED:
            self.delivered.append((connection_id, message))
        return delivery


class FakeTokens(TokenVerifier):
    """A verifier with a fixed set of valid tokens.

    Args:
        good: The valid tokens.
        problem: The problem of all others.

    Attributes:
        checked: The tokens that were checked, in order.
    """

    def __init__(self, *good: str, problem: TokenProblem = TokenProblem.EXPIRED) -> None:
        self.checked: list[str] = []
        self._good = set(good)
        self._problem = problem

    def check(self, token: str) -> TokenProblem | None:
        self.checked.append(token)
        return None if token in self._good else self._problem


def fake_ports(**ports: Any) -> Ports:
    """Fakes of all ports, except those that are given by name."""
    fakes: dict[str, Any] = {
        "counter": InMemoryCounterStore(),
        "connections": InMemoryConnectionStore(),
        "lease": InMemoryLease(),
        "outbox": FakeOutbox(),
        "self_invoker": FakeSelfInvoker(),
        "clock": FakeClock(),
        "random": lambda: 0.5,
        "new_owner": lambda: uuid4().hex,
    }
    return Ports(**(fakes | ports))
