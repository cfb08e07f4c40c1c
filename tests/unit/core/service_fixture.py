"""The service on the ports in memory, and the messages that its tests send and expect."""

import json
from dataclasses import dataclass, field, replace
from typing import Any, Final

from counter_service.runtime.core.access import Access
from counter_service.runtime.core.assembly import assemble
from counter_service.runtime.core.errors import StoreBusy, StoreUnavailable
from counter_service.runtime.core.events import Event, Message
from counter_service.runtime.core.origins import OriginPolicy
from counter_service.runtime.core.outcome import Outcome
from counter_service.runtime.core.ports import Connection
from counter_service.runtime.core.protocol import MESSAGES, ErrorCode
from counter_service.runtime.core.service import CounterService
from simulation.fakes import (
    FakeClock,
    FakeOutbox,
    FakeSelfInvoker,
    InMemoryConnectionStore,
    InMemoryCounterStore,
    InMemoryLease,
    fake_ports,
)

NOW: Final = 1_772_545_400  # epoch seconds
CONNECTED_AT: Final = NOW - 120
TIMEOUT_MS: Final = 20_000
SITE: Final = "https://site.example"
OP_ID: Final = "q7Rk_3sYd-2oFiAC:1"
BUSY: Final = StoreBusy("test", "TransactionConflict")
UNAVAILABLE: Final = StoreUnavailable("test", "ThrottlingException")


@dataclass
class ServiceFixture:
    """The service with a counter at 41, to which ann, bob and eve connected two minutes ago.

    A test may replace any attribute before it sends an event.
    """

    counter: InMemoryCounterStore = field(default_factory=lambda: InMemoryCounterStore(41))
    connections: InMemoryConnectionStore = field(default_factory=InMemoryConnectionStore)
    lease: InMemoryLease = field(default_factory=InMemoryLease)
    self_invoker: FakeSelfInvoker = field(default_factory=FakeSelfInvoker)
    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    access: Access = field(default_factory=lambda: Access(OriginPolicy(allowed=frozenset({SITE}))))
    messages_per_second: int = 0

    def __post_init__(self) -> None:
        for connection_id in ("ann", "bob", "eve"):
            self.add_connection(connection_id)

    def add_connection(
        self, connection_id: str, connected_at: int = CONNECTED_AT, *, is_open: bool = True
    ) -> None:
        """Add a row. Posts to a connection that is not open end with 410."""
        self.connections.put(Connection(connection_id, connected_at))
        if is_open:
            self.outbox.open.add(connection_id)

    def assemble(self) -> CounterService:
        ports = replace(
            fake_ports(),
            counter=self.counter,
            connections=self.connections,
            lease=self.lease,
            outbox=self.outbox,
            self_invoker=self.self_invoker,
            clock=self.clock,
        )
        return assemble(ports, self.access, messages_per_second=self.messages_per_second)

    def handle(self, event: Event) -> Outcome:
        """Handle an event in an invocation that has 20 s."""
        return self.assemble().handle(event, self.clock.now_ms() + TIMEOUT_MS)

    def send(self, connection_id: str, body: str | None) -> Outcome:
        """Handle a frame from this connection. None is a binary frame."""
        return self.handle(Message(connection_id, CONNECTED_AT, body))

    def increment(self, connection_id: str, op_id: str | None = None) -> Outcome:
        return self.send(connection_id, json.dumps({"action": "increment"} | _id(op_id)))

    def get_current(self, connection_id: str) -> Outcome:
        return self.send(connection_id, '{"action":"get-current"}')

    def values(self, connection_id: str) -> list[int]:
        """The values that this connection received, in order."""
        return [message["value"] for message in self.outbox.received(connection_id)]


def update(value: int, op_id: str | None = None) -> dict[str, Any]:
    return {"type": "counter-update", "value": value} | _id(op_id)


def error(code: ErrorCode, op_id: str | None = None) -> dict[str, Any]:
    return {"type": "error", "code": str(code), "message": MESSAGES[code]} | _id(op_id)


def _id(op_id: str | None) -> dict[str, Any]:
    return {"id": op_id} if op_id else {}
