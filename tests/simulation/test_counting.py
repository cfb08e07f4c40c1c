"""Clicks with every fault at once: each counts exactly once and is acknowledged."""

import pytest

from counter_service.runtime.core.events import Message
from counter_service.runtime.core.protocol import ErrorCode
from counter_service.runtime.dynamodb.counter_store import DynamoCounterStore
from simulation.counting import MANY_FAULTS, NO_FAULTS, CountingSimulation, History

CLIENTS = 8
CLICKS = 25  # of each client
CLICK = '{"action":"increment","id":"q7Rk_3sYd-2oFiAC:1"}'
WAITS = 14  # of the invocation of one click without conflicts


def violations(simulation: CountingSimulation, history: History) -> list[str]:
    """Violations of the promise, by the clients' messages and by the table."""
    table = simulation.table
    found = list(history.violations)
    if lost := history.op_ids - history.acknowledged.keys():
        found.append(f"never acknowledged: {sorted(lost)}")
    if invented := table.operations - history.op_ids:
        found.append(f"never clicked: {sorted(invented)}")
    if uncounted := history.acknowledged.keys() - table.operations:
        found.append(f"acknowledged but not counted: {sorted(uncounted)}")
    # Each op id counts once, and so does each click without one that was committed.
    expected = len(table.operations) + table.plain_adds
    if table.value != expected:
        found.append(f"the value is {table.value} instead of {expected}")
    if not len(history.op_ids) <= table.value <= history.attempted:
        found.append(f"the value is {table.value} after {history.attempted} clicks")
    if table.plain_adds > history.plain:
        found.append(f"{table.plain_adds} of {history.plain} clicks without an op id counted")
    return found


@pytest.mark.parametrize("shards", [(1,), (4,), (1, 4, 16)], ids=str)
@pytest.mark.parametrize("seed", range(6))
def test_every_click_counts_exactly_once(seed: int, shards: tuple[int, ...]) -> None:
    simulation = CountingSimulation(seed, shards=shards)
    history = simulation.run(CLIENTS, CLICKS)
    assert violations(simulation, history) == []
    assert len(history.op_ids) + history.plain == history.attempted == CLIENTS * CLICKS


@pytest.mark.parametrize("seed", range(4))
def test_every_click_counts_exactly_once_with_many_faults(seed: int) -> None:
    simulation = CountingSimulation(seed, MANY_FAULTS, shards=(1, 4))
    history = simulation.run(CLIENTS, CLICKS)
    assert violations(simulation, history) == []
    assert ErrorCode.UNAVAILABLE in history.codes


def test_simulation_injects_faults() -> None:
    """Without faults, the tests above would prove nothing."""
    simulation = CountingSimulation(1)
    history = simulation.run(CLIENTS, CLICKS)
    assert simulation.table.timeouts > 20
    assert simulation.table.conflicts > 5
    assert history.retries > 5
    assert simulation.time.killed > 10


def test_clients_retry_nothing_without_faults() -> None:
    simulation = CountingSimulation(1, NO_FAULTS)
    history = simulation.run(CLIENTS, CLICKS)
    assert violations(simulation, history) == []
    assert (history.retries, history.codes) == (0, set())
    assert simulation.table.value == CLIENTS * CLICKS


def test_simulation_depends_only_on_its_seed() -> None:
    first, second, other = (CountingSimulation(seed).run(4, 10) for seed in (3, 3, 4))
    assert first == second != other


class RetriedAdd(DynamoCounterStore):
    """Planted: the op id is ignored, and the ADD is sent until there is a reply."""

    def increment_once(self, op_id: str, expires_at: int) -> bool:
        self._no_retry_client = self._client  # which retries after a timeout
        self.increment()
        return True


class TwoWrites(DynamoCounterStore):
    """Planted: two writes instead of a transaction, the op row first."""

    def increment_once(self, op_id: str, expires_at: int) -> bool:
        if op_id in self._client._table.operations:
            return False
        self._client._table.rows[f"op#{op_id}"] = {"id": {"S": f"op#{op_id}"}}
        self._client._table.time.wait(5)
        self._client._table._add_one(self._add_one())
        return True


class ReadsOneRow(DynamoCounterStore):
    """Planted: reads one row, however many there are."""

    def value(self) -> int:
        self._in_use = 1
        self._read = lambda names: DynamoCounterStore._read(self, names[:1])  # type: ignore[method-assign]
        return super().value()


class AnnouncesNothing(DynamoCounterStore):
    """Planted: clicks are added to rows that instances with fewer shards do not read."""

    def _announce(self) -> None:
        return


@pytest.mark.parametrize(
    ("store", "shards", "violation"),
    [
        (RetriedAdd, (1,), "the value is"),
        (TwoWrites, (1,), "the value is"),
        (ReadsOneRow, (4,), "read"),
        (AnnouncesNothing, (1, 4), "read"),
    ],
)
def test_simulation_finds_a_planted_mistake(
    store: type[DynamoCounterStore], shards: tuple[int, ...], violation: str
) -> None:
    def found(seed: int) -> bool:
        simulation = CountingSimulation(seed, plain=0, shards=shards, store=store)
        history = simulation.run(CLIENTS, CLICKS)
        return any(violation in each for each in violations(simulation, history))

    assert any(found(seed) for seed in range(5))


def click_with_a_kill(kill_in_wait: int) -> CountingSimulation:
    """A simulation of one click, whose invocation is killed in this wait."""
    simulation = CountingSimulation(7, NO_FAULTS)
    simulation.join("clicker", "listener")
    send(simulation, "clicker", CLICK, kill_in_wait=kill_in_wait)
    return simulation


def send(
    simulation: CountingSimulation,
    connection_id: str,
    body: str,
    after_ms: int = 0,
    kill_in_wait: int | None = None,
) -> None:
    message = Message(connection_id, simulation.time.now_s(), body)
    simulation.time.spawn(lambda: simulation.invoke(message), after_ms, kill_in_wait)


@pytest.mark.parametrize("wait", range(1, WAITS + 1))
def test_click_of_a_killed_invocation_counts_once_when_it_is_retried(wait: int) -> None:
    simulation = click_with_a_kill(wait)
    send(simulation, "clicker", CLICK, 5_000)
    send(simulation, "listener", '{"action":"get-current"}', 20_000)
    simulation.time.run()
    assert (simulation.time.killed, simulation.table.value) == (1, 1)
    acknowledgement = {"type": "counter-update", "value": 1, "id": "q7Rk_3sYd-2oFiAC:1"}
    assert acknowledgement in simulation.inboxes["clicker"]
    assert simulation.inboxes["listener"][-1]["value"] == 1


def test_click_of_an_invocation_has_no_more_waits_than_are_tested() -> None:
    simulation = click_with_a_kill(WAITS + 1)
    simulation.time.run()
    assert simulation.time.killed == 0


def test_click_that_was_counted_but_not_broadcast_is_broadcast_when_it_is_retried() -> None:
    for wait in range(1, WAITS):
        simulation = click_with_a_kill(wait)
        simulation.time.run()
        if simulation.table.value == 1 and not simulation.inboxes["listener"]:
            break
    else:
        pytest.fail("No invocation was killed between the count and the broadcast.")
    send(simulation, "clicker", CLICK, 5_000)
    simulation.time.run()
    assert simulation.table.value == 1
    assert simulation.inboxes["listener"] == [{"type": "counter-update", "value": 1}]
