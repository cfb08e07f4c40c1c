"""Simulates the service with a network and a DynamoDB that fail, and with clients that retry.

A seed determines everything: which client clicks when, which messages are lost, late or duplicated,
and in which of its waits an invocation is killed. Every call of a port waits before and after it
takes effect. In both waits other invocations run, and the invocation may be killed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from random import Random
from typing import Any, Final

from counter_service.client.messages import increment
from counter_service.runtime.core.access import Access
from counter_service.runtime.core.assembly import assemble
from counter_service.runtime.core.backoff import Backoff
from counter_service.runtime.core.errors import StoreUnavailable
from counter_service.runtime.core.events import ContinueBroadcast, Event, Message
from counter_service.runtime.core.origins import OriginPolicy
from counter_service.runtime.core.ports import Connection, CounterStore, Progress, SelfInvoker
from counter_service.runtime.dynamodb.counter_store import DynamoCounterStore
from simulation.dynamodb import Client, Table
from simulation.fakes import InMemoryConnectionStore, InMemoryLease, fake_ports
from simulation.faults import FaultRates
from simulation.network import Gateway, Remote
from simulation.virtual_time import VirtualTime

RESPONSE_TIMEOUT_MS: Final = 5000  # of a client
FAULTS_END_MS: Final = 60_000
TIMEOUT_MS: Final = 20_000  # of an invocation
CONNECTIONS: Final = 3  # of each client
MAX_KILL_WAIT: Final = 25  # an invocation is killed in one of its waits up to this one

NO_FAULTS: Final = FaultRates()
SOME_FAULTS: Final = FaultRates(
    request_lost=0.03,
    reply_lost=0.06,
    request_late=0.03,
    post_lost=0.1,
    killed=0.25,
    duplicated=0.1,
)
MANY_FAULTS: Final = FaultRates(
    request_lost=0.15,
    reply_lost=0.3,
    request_late=0.1,
    post_lost=0.2,
    killed=0.3,
    duplicated=0.2,
)


@dataclass
class History:
    """The clients' clicks, and the messages that they received."""

    attempted: int = 0  # clicks
    op_ids: set[str] = field(default_factory=set)  # of clicks
    plain: int = 0  # clicks without an op id
    acknowledged: dict[str, int] = field(default_factory=dict)  # op id: value
    retries: int = 0
    codes: set[str] = field(default_factory=set)  # of errors
    violations: list[str] = field(default_factory=list)  # values that no client should receive


class CountingSimulation(SelfInvoker):
    """Clients that click, and an instance of the function for each invocation.

    Args:
        seed: Seed of the random numbers.
        faults: Rates until FAULTS_END_MS. Then there are no faults, so that the run ends.
        plain: Probability that a click has no op id.
        shards: Values of counterShards. Instances differ in it during a deployment.
        store: Class of the instances' counter store. A test may pass one with a mistake.
    """

    def __init__(
        self,
        seed: int,
        faults: FaultRates = SOME_FAULTS,
        *,
        plain: float = 0.2,
        shards: tuple[int, ...] = (1,),
        store: type[DynamoCounterStore] = DynamoCounterStore,
    ) -> None:
        self.random = Random(seed)
        self.time = VirtualTime()
        self.history = History()
        self._faults = replace(faults)
        self.table = Table(self.time, self.random, self._faults)
        self._gateway = Gateway(self.time, self.random, self._faults, self._check_value)
        self._connections = InMemoryConnectionStore()
        self._lease = InMemoryLease()
        self._owners = count()
        self._plain = plain
        self._shards = shards
        self._store = store

    @property
    def inboxes(self) -> Mapping[str, list[dict[str, Any]]]:
        """The messages that arrived, by connection."""
        return self._gateway.inboxes

    def run(self, clients: int, clicks: int) -> History:
        """Run until every client has its `clicks` acknowledged, which faults only delay."""
        for number in range(clients):
            self.time.spawn(lambda number=number: self._client(number, clicks))  # type: ignore[misc]
        self.time.spawn(self._reader)
        self.time.spawn(self._faults.stop, FAULTS_END_MS)
        self.time.run()
        return self.history

    def join(self, *connection_ids: str) -> None:
        """Store the rows of new connections."""
        for connection_id in connection_ids:
            self._connections.put(Connection(connection_id, self.time.now_s()))

    # --- clients --------------------------------------------------------------------------------

    def _client(self, number: int, clicks: int) -> None:
        connections = [f"client {number}, connection {each}" for each in range(CONNECTIONS)]
        self.join(*connections)
        for click in range(clicks):
            self.time.wait(self.random.uniform(0, 2 * FAULTS_END_MS / clicks))
            self.history.attempted += 1
            if self.random.random() < self._plain:
                self.history.plain += 1
                self._send(connections[0], increment())
            else:
                self._click(connections, f"session-of-client-{number:04}:{click}")

    def _click(self, connections: list[str], op_id: str) -> None:
        """Send a click on any of the connections until it is acknowledged."""
        self.history.op_ids.add(op_id)
        while True:
            connection = self.random.choice(connections)
            seen = len(self.inboxes[connection])
            self._send(connection, increment(op_id))
            if self._is_acknowledged(connection, seen, op_id):
                return
            self.history.retries += 1
            self.time.wait(self.random.uniform(100, 1000))

    def _is_acknowledged(self, connection: str, seen: int, op_id: str) -> bool:
        """Whether a message after the first `seen` acknowledges the op id in time."""
        end_ms = self.time.ms + RESPONSE_TIMEOUT_MS
        while self.time.ms < end_ms:
            self.time.wait(50)
            for message in self.inboxes[connection][seen:]:
                if message.get("id") != op_id:
                    continue
                if message["type"] == "counter-update":
                    self._check_acknowledgement(op_id, message["value"])
                    return True
                self.history.codes.add(message["code"])
                return False
        return False

    def _check_value(self, message: dict[str, Any]) -> None:
        value, attempted = message.get("value", 0), self.history.attempted
        if value > attempted:
            self.history.violations.append(f"received {value} after {attempted} clicks")

    def _check_acknowledgement(self, op_id: str, value: int) -> None:
        self.history.acknowledged[op_id] = value
        if op_id not in self.table.operations:
            self.history.violations.append(f"{op_id} is acknowledged but not counted")
        if not 1 <= value <= self.table.value:
            stored = self.table.value
            self.history.violations.append(f"{op_id} is acknowledged with {value} of {stored}")

    def _reader(self) -> None:
        """Read the counter repeatedly, with the fewest shards of any instance.

        A value is at least the previous one and the count before the read, and at most the count
        after the read.
        """
        counter = self._counter(min(self._shards))
        least = 0
        history = self.history
        while self._faults != NO_FAULTS or history.op_ids != history.acknowledged.keys():
            least = max(least, self.table.value)
            try:
                value = counter.value()
            except StoreUnavailable:
                continue
            if not least <= value <= self.table.value:
                expected = f"{least} to {self.table.value}"
                history.violations.append(f"read {value}, not {expected}")
            least = value
            self.time.wait(self.random.uniform(0, 200))

    # --- invocations ----------------------------------------------------------------------------

    def _send(self, connection_id: str, body: str) -> None:
        message = Message(connection_id, self.time.now_s(), body)
        has_id = '"id"' in body
        times = 2 if has_id and self.random.random() < self._faults.duplicated else 1
        for _ in range(times):
            is_killed = self.random.random() < self._faults.killed
            self.time.spawn(
                lambda: self.invoke(message),
                self.random.uniform(1, 20),
                kill_in_wait=self.random.randint(1, MAX_KILL_WAIT) if is_killed else None,
            )

    def invoke(self, event: Event) -> None:
        """Handle an event in a new instance of the function."""
        ports = fake_ports(
            counter=self._counter(self.random.choice(self._shards)),
            connections=Remote(self._connections, self.time, self.random),
            lease=Remote(self._lease, self.time, self.random),
            outbox=self._gateway,
            self_invoker=self,
            clock=self.time,
            random=self.random.random,
            new_owner=lambda: f"owner {next(self._owners)}",
        )
        assemble(ports, Access(OriginPolicy())).handle(event, self.time.ms + TIMEOUT_MS)

    def continue_broadcast(self, progress: Progress) -> None:
        self.time.wait(self.random.uniform(1, 20))
        self.time.spawn(lambda: self.invoke(ContinueBroadcast(progress)))

    def _counter(self, shards: int) -> CounterStore:
        return self._store(
            "counter",
            Client(self.table, attempts=3),
            no_retry_client=Client(self.table, attempts=1),
            shards=shards,
            random=self.random.random,
            backoff=Backoff(self.time, self.random.random),
        )
