"""The ports in memory. Tests assert on the state of a fake, not on calls."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
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
    SelfInvoker,
    TokenProblem,
    TokenVerifier,
)


class FakeClock(Clock):
    """Stands still until a test sets `time`, epoch seconds, or the service sleeps."""

    def __init__(self, time: int = 1_772_545_400) -> None:
        self._milliseconds = time * 1000
        self.sleeps: list[int] = []  # milliseconds each

    @property
    def time(self) -> int:
        return self._milliseconds // 1000

    @time.setter
    def time(self, seconds: int) -> None:
        self._milliseconds = seconds * 1000

    def now_s(self) -> int:
        return self.time

    def now_ms(self) -> int:
        return self._milliseconds

    def sleep_until_ms(self, moment_ms: int) -> None:
        self.sleeps.append(max(0, moment_ms - self._milliseconds))
        self._milliseconds = max(self._milliseconds, moment_ms)


class Faults:
    """Operations that fail on demand, before they change anything."""

    def __init__(self) -> None:
        self._faults: dict[str, list[StoreError]] = {}

    def fail_next(self, operation: str, failure: StoreError, times: int = 1) -> None:
        """Make the next calls of the method with this name raise."""
        assert callable(getattr(self, operation)), f"no such operation: {operation}"
        self._faults[operation] = [failure] * times

    def _fail(self, operation: str) -> None:
        if faults := self._faults.get(operation):
            raise faults.pop()


class InMemoryCounterStore(Faults, CounterStore):
    """`count` is the stored value, `operations` the op ids in it with their epoch seconds.

    Expired ones stay, as DynamoDB keeps them for days.
    """

    def __init__(self, count: int = 0) -> None:
        super().__init__()
        self.count = count
        self.operations: dict[str, int] = {}
        self._lock = Lock()
        self._replies_to_lose = 0

    def lose_next_reply(self, times: int = 1) -> None:
        """Count the next increment, but lose the response."""
        self._replies_to_lose = times

    def increment(self) -> int:
        self._fail("increment")
        with self._lock:
            self.count += 1
            value = self.count
        if self._reply_is_lost():
            raise OutcomeUnknown("increment", "ReadTimeoutError")
        return value

    def increment_once(self, op_id: str, expires_at: int) -> bool:
        self._fail("increment_once")
        with self._lock:
            new = op_id not in self.operations
            if new:
                self.operations[op_id] = expires_at
                self.count += 1
        if self._reply_is_lost():
            raise StoreUnavailable("increment", "ReadTimeoutError")
        return new

    def value(self) -> int:
        self._fail("value")
        return self.count

    def _reply_is_lost(self) -> bool:
        lost = self._replies_to_lose > 0
        self._replies_to_lose -= lost
        return lost


class InMemoryConnectionStore(Faults, ConnectionStore):
    """`rows` are the stored connections by id."""

    def __init__(self, *rows: Connection) -> None:
        super().__init__()
        self.rows = {row.id: row for row in rows}
        self._lock = Lock()
        self.clicks: dict[str, tuple[int, int]] = {}  # the second, and the clicks in it
        self._last_page: tuple[int, StoreError] | None = None

    def fail_audience_after(self, rows: int, failure: StoreError) -> None:
        """Make the next listing give this many rows and then raise, as a second page would."""
        self._last_page = (rows, failure)

    def put(self, connection: Connection) -> None:
        self._fail("put")
        self.rows.setdefault(connection.id, connection)

    def remove(self, connection_id: str) -> None:
        self._fail("remove")
        self.rows.pop(connection_id, None)
        self.clicks.pop(connection_id, None)

    def remove_gone(self, connection_id: str, connected_before: int) -> bool:
        self._fail("remove_gone")
        row = self.rows.get(connection_id)
        if row is None or row.connected_at >= connected_before:
            return False
        self.clicks.pop(connection_id, None)
        del self.rows[connection_id]
        return True

    def admit_click(self, connection_id: str, second: int, limit: int) -> bool:
        self._fail("admit_click")
        if connection_id not in self.rows:
            return True
        with self._lock:
            current, clicks = self.clicks.get(connection_id, (second, 0))
            if current < second:
                current, clicks = second, 0
            if clicks < limit:
                self.clicks[connection_id] = (current, clicks + 1)
            return clicks < limit

    def audience(self, now_s: int) -> Iterator[str]:
        self._fail("audience")
        last_page, self._last_page = self._last_page, None
        listed = 0
        for row in list(self.rows.values()):
            if row.expires_at <= now_s:
                continue
            if last_page and listed == last_page[0]:
                raise last_page[1]
            listed += 1
            yield row.id
        if last_page:
            raise last_page[1]


class InMemoryLease(Faults, BroadcastLease):
    """`tickets` taken so far; `owner` and `until` while an invocation broadcasts."""

    def __init__(self) -> None:
        super().__init__()
        self.tickets = 0
        self.owner: str | None = None
        self.until = 0
        self._lock = Lock()  # each method is one request to one row

    def request(self, owner: str, now: int, until: int) -> int | None:
        self._fail("request")
        with self._lock:
            self.tickets += 1
            if self.owner not in (None, owner) and self.until > now:
                return None
            if self.owner != owner:
                self.owner, self.until = owner, until
            return self.tickets

    def release(self, owner: str, ticket: int, until: int) -> int | None:
        self._fail("release")
        with self._lock:
            if self.owner != owner:
                return None
            if self.tickets == ticket:
                self.owner = None
                return None
            self.until = until
            return self.tickets

    def abandon(self, owner: str) -> None:
        self._fail("abandon")
        with self._lock:
            if self.owner == owner:
                self.owner = None

    def is_expired(self, now: int) -> bool:
        self._fail("is_expired")
        with self._lock:
            return self.owner is not None and self.until <= now


class FakeSelfInvoker(SelfInvoker):
    """`calls` so far."""

    def __init__(self) -> None:
        self.calls = 0

    def continue_broadcast(self) -> None:
        self.calls += 1


class FakeOutbox(Outbox):
    """A gateway with some open connections. Every other connection is gone.

    `delivered` is what arrived, over all connections, in the order of arrival.
    """

    def __init__(self, *open_connections: str) -> None:
        self.open = set(open_connections)
        self.refusing: set[str] = set()
        self.forbidding: set[str] = set()
        self.delivered: list[tuple[str, str]] = []

    def refuse(self, *connection_ids: str) -> None:
        """Respond to their posts as API Gateway does when it throttles."""
        self.refusing |= set(connection_ids)

    def forbid(self, *connection_ids: str) -> None:
        """Respond to their posts as API Gateway does to a role without the permission."""
        self.forbidding |= set(connection_ids)

    def close(self, *connection_ids: str) -> None:
        self.open -= set(connection_ids)

    def received(self, connection_id: str) -> list[dict[str, Any]]:
        """The messages of one connection, in order."""
        return self.inboxes().get(connection_id, [])

    def inboxes(self) -> dict[str, list[dict[str, Any]]]:
        """The messages by connection, for each that received any."""
        inboxes = defaultdict(list)
        for connection_id, message in self.delivered:
            inboxes[connection_id].append(json.loads(message))
        return dict(inboxes)

    def post(self, message: str, audience: Iterable[str]) -> Mapping[str, Delivery]:
        return {connection_id: self._post(connection_id, message) for connection_id in audience}

    def _post(self, connection_id: str, message: str) -> Delivery:
        if connection_id in self.forbidding:
            return Delivery.FORBIDDEN
        if connection_id in self.refusing:
            return Delivery.SKIPPED
        if connection_id not in self.open:
            return Delivery.GONE
        self.delivered.append((connection_id, message))
        return Delivery.DELIVERED


class FakeTokens(TokenVerifier):
    """`good` are the valid tokens; `problem` is the problem of all others."""

    def __init__(self, *good: str, problem: TokenProblem = TokenProblem.EXPIRED) -> None:
        self.good = set(good)
        self.problem = problem
        self.asked: list[str] = []

    def check(self, token: str) -> TokenProblem | None:
        self.asked.append(token)
        return None if token in self.good else self.problem


def fake_ports(**ports: Any) -> Ports:
    """Ports in memory, except those that are given."""
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
