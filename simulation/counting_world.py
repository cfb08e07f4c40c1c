"""The service on a network and a DynamoDB that fail, and what clients see of it.

One seed is one history: who clicks when, what is lost, late, doubled or refused, and after which
of its waits an invocation dies. Every call of a port is two waits, one before and one after it
takes effect, so that others get in between everywhere and an invocation dies everywhere.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, Final

from counter_service.runtime.core.access import Access
from counter_service.runtime.core.assembly import assemble
from counter_service.runtime.core.backoff import Backoff
from counter_service.runtime.core.errors import StoreUnavailable
from counter_service.runtime.core.events import ContinueBroadcast, Event, Message
from counter_service.runtime.core.origins import OriginPolicy
from counter_service.runtime.core.ports import Connection, CounterStore, Ports, SelfInvoker
from counter_service.runtime.core.service import CounterService
from counter_service.runtime.dynamodb.counter_store import DynamoCounterStore
from simulation.dynamodb import Client, Faults, Table
from simulation.fakes import InMemoryConnectionStore, InMemoryLease
from simulation.network import Gateway, Remote
from simulation.virtual_time import VirtualTime

PATIENCE_MS: Final = 5000  # of a client, with an answer that does not come
FAULTS_END_MS: Final = 60_000
CONNECTIONS: Final = 3  # that one client goes through


@dataclass(frozen=True)
class Chances:
    """Of each fault, until FAULTS_END_MS."""

    request_lost: float = 0.03
    reply_lost: float = 0.06
    request_late: float = 0.03
    post_lost: float = 0.1
    killed: float = 0.25
    doubled: float = 0.1
    plain: float = 0.2  # of the clicks are without an op id


NONE: Final = Chances(0, 0, 0, 0, 0, 0)
STORM: Final = Chances(0.15, 0.3, 0.1, 0.2, 0.3, 0.2)


@dataclass
class History:
    """What happened, as seen from outside."""

    attempted: int = 0
    clicked: set[str] = field(default_factory=set)  # op ids
    plain: int = 0  # clicks without one, that were sent
    acknowledged: dict[str, int] = field(default_factory=dict)  # op id: value
    resent: int = 0
    codes: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


class CountingWorld(SelfInvoker):
    """`shards` are what instances are configured with, as during a deployment; `store` makes the
    counter store of one, and is where a test plants its mistakes."""

    def __init__(
        self,
        seed: int,
        chances: Chances = Chances(),
        *,
        shards: tuple[int, ...] = (1,),
        store: type[DynamoCounterStore] = DynamoCounterStore,
    ) -> None:
        self.random = Random(seed)
        self.time = VirtualTime()
        faults = Faults(chances.request_lost, chances.reply_lost, chances.request_late)
        self.table = Table(self.time, self.random, faults)
        self.history = History()
        self._chances = chances
        self._gateway = Gateway(self.time, self.random, chances.post_lost, self._check_shown)
        self._connections = InMemoryConnectionStore()
        self._lease = InMemoryLease()
        self._owners = count()
        self._store = store
        self._shards = shards

    def run(self, clients: int, clicks: int) -> History:
        """So many clicks of each client. Then faults end, and clients go on until all is known."""
        for number in range(clients):
            self.time.spawn(lambda number=number: self._client(number, clicks))  # type: ignore[misc]
        self.time.spawn(self._reader)
        self.time.spawn(self._heal, FAULTS_END_MS)
        self.time.run()
        return self.history

    def _heal(self) -> None:
        self._chances = Chances(0, 0, 0, 0, 0, 0, self._chances.plain)
        self._gateway.lost = 0
        self.table.faults.heal()

    def join(self, *connections: str) -> None:
        for name in connections:
            self._connections.put(Connection(name, self.time.now_s()))

    @property
    def inboxes(self) -> Mapping[str, list[dict[str, Any]]]:
        return self._gateway.inboxes

    # --- clients --------------------------------------------------------------------------------

    def _client(self, number: int, clicks: int) -> None:
        names = [f"client {number}, connection {each}" for each in range(CONNECTIONS)]
        self.join(*names)
        for click in range(clicks):
            self.time.wait(self.random.uniform(0, 2 * FAULTS_END_MS / clicks))
            if self.random.random() < self._chances.plain:
                self._plain_click(names[0])
            else:
                self._click(names, f"session-of-client-{number:04}:{click}")

    def _check_shown(self, message: dict[str, Any]) -> None:
        attempted = self.history.attempted
        if message.get("value", 0) > attempted:
            self.history.problems.append(f"shown {message['value']} after {attempted} clicks")

    def _plain_click(self, connection: str) -> None:
        self.history.attempted += 1
        self.history.plain += 1
        self._send(connection, '{"action":"increment"}')

    def _click(self, connections: list[str], op_id: str) -> None:
        """Send it, until it is acknowledged, on whichever connection is there."""
        self.history.attempted += 1
        self.history.clicked.add(op_id)
        while True:
            connection = self.random.choice(connections)
            seen = len(self._gateway.inboxes[connection])
            self._send(connection, json.dumps({"action": "increment", "id": op_id}))
            if self._is_acknowledged(connection, seen, op_id):
                return
            self.history.resent += 1
            self.time.wait(self.random.uniform(100, 1000))

    def _is_acknowledged(self, connection: str, seen: int, op_id: str) -> bool:
        patience = self.time.ms + PATIENCE_MS
        while self.time.ms < patience:
            self.time.wait(50)
            for message in self._gateway.inboxes[connection][seen:]:
                if message.get("id") != op_id:
                    continue
                if message["type"] == "counter-update":
                    self._check_acknowledgement(op_id, message["value"])
                    return True
                self.history.codes.add(message["code"])
                return False
        return False

    def _check_acknowledgement(self, op_id: str, value: int) -> None:
        self.history.acknowledged[op_id] = value
        stored = self.table.value
        if op_id not in self.table.operations:
            self.history.problems.append(f"{op_id} is acknowledged and not counted")
        if not 1 <= value <= stored:
            self.history.problems.append(f"{op_id} is acknowledged with {value} of {stored}")

    def _reader(self) -> None:
        """Reads as any instance does, and never gets less than before, nor than was counted
        before it began, nor more than was counted when it ended."""
        counter = self._counter(min(self._shards))
        last = 0
        while self._is_busy():
            least = self.table.value
            try:
                value = counter.value()
            except StoreUnavailable:
                continue
            most = self.table.value
            if not max(last, least) <= value <= most:
                self.history.problems.append(f"read {value}, not {max(last, least)} to {most}")
            last = value
            self.time.wait(self.random.uniform(0, 200))

    def _is_busy(self) -> bool:
        return len(self.history.acknowledged) < len(self.history.clicked) or not self._healed

    @property
    def _healed(self) -> bool:
        return self.table.faults.reply_lost == 0 and self._gateway.lost == 0

    # --- invocations ----------------------------------------------------------------------------

    def _send(self, connection: str, body: str) -> None:
        message = Message(connection, self.time.now_s(), body)
        with_id = '"id"' in body
        times = 2 if with_id and self.random.random() < self._chances.doubled else 1
        for _ in range(times):
            dies = self.random.random() < self._chances.killed
            self.time.spawn(
                lambda: self.invoke(message),
                self.random.uniform(1, 20),
                dies_after=self.random.randint(1, 25) if dies else None,
            )

    def invoke(self, event: Event) -> None:
        self._service().handle(event)

    def continue_broadcast(self) -> None:
        self.time.wait(self.random.uniform(1, 20))
        self.time.spawn(lambda: self.invoke(ContinueBroadcast()))

    def _counter(self, shards: int) -> CounterStore:
        return self._store(
            "counter",
            Client(self.table, attempts=3),
            no_retry_client=Client(self.table, attempts=1),
            shards=shards,
            random=self.random.random,
            backoff=Backoff(self.time, self.random.random),
        )

    def _service(self) -> CounterService:
        """The service in a new instance of the function."""
        connections: Any = Remote(self._connections, self.time, self.random)
        lease: Any = Remote(self._lease, self.time, self.random)
        ports = Ports(
            counter=self._counter(self.random.choice(self._shards)),
            connections=connections,
            lease=lease,
            outbox=self._gateway,
            self_invoker=self,
            clock=self.time,
            random=self.random.random,
            new_owner=lambda: f"owner {next(self._owners)}",
        )
        return assemble(ports, Access(OriginPolicy()))
