"""Clicks under every fault at once: the value is what was clicked, and every client learns so."""

import pytest

from counter_service.runtime.core.events import Message
from counter_service.runtime.core.protocol import ErrorCode
from counter_service.runtime.dynamodb.counter_store import DynamoCounterStore
from simulation.counting_world import NONE, STORM, Chances, CountingWorld, History

CLIENTS = 8
CLICKS = 25  # of each


def violations(world: CountingWorld, history: History) -> list[str]:
    """Of what the product promises about counting."""
    table = world.table
    found = list(history.problems)
    if lost := history.clicked - history.acknowledged.keys():
        found.append(f"never acknowledged: {sorted(lost)}")
    if invented := table.operations - history.clicked:
        found.append(f"never clicked: {sorted(invented)}")
    if uncounted := history.acknowledged.keys() - table.operations:
        found.append(f"acknowledged and not counted: {sorted(uncounted)}")
    # Each id once, and each click without one that was committed.
    expected = len(table.operations) + table.plain_adds
    if table.value != expected:
        found.append(f"the value is {table.value} instead of {expected}")
    if not len(history.clicked) <= table.value <= history.attempted:
        found.append(f"the value is {table.value} after {history.attempted} clicks")
    if table.plain_adds > history.plain:
        found.append(f"{table.plain_adds} of {history.plain} clicks without an id counted")
    return found


@pytest.mark.parametrize("shards", [(1,), (4,), (1, 4, 16)], ids=str)
@pytest.mark.parametrize("seed", range(6))
def test_every_click_counts_exactly_once(seed: int, shards: tuple[int, ...]) -> None:
    world = CountingWorld(seed, shards=shards)
    history = world.run(CLIENTS, CLICKS)
    assert violations(world, history) == []
    assert len(history.clicked) + history.plain == CLIENTS * CLICKS


@pytest.mark.parametrize("seed", range(4))
def test_in_a_storm_too(seed: int) -> None:
    world = CountingWorld(seed, STORM, shards=(1, 4))
    history = world.run(CLIENTS, CLICKS)
    assert violations(world, history) == []
    assert ErrorCode.UNAVAILABLE in history.codes


def test_the_faults_do_happen() -> None:
    """Or the tests above would show nothing."""
    world = CountingWorld(1)
    history = world.run(CLIENTS, CLICKS)
    assert world.table.faults.seen > 20
    assert world.table.conflicts > 5
    assert history.resent > 5
    assert world.time.died > 10


def test_without_faults_nothing_is_sent_twice() -> None:
    world = CountingWorld(1, NONE)
    history = world.run(CLIENTS, CLICKS)
    assert violations(world, history) == []
    assert (history.resent, history.codes) == (0, set())
    assert world.table.value == CLIENTS * CLICKS


def test_the_same_seed_is_the_same_history() -> None:
    def told(seed: int) -> tuple[object, ...]:
        history = CountingWorld(seed).run(4, 10)
        return history.acknowledged, history.resent, history.attempted

    assert told(3) == told(3) != told(4)


class RetriedAdd(DynamoCounterStore):
    """Planted: the op id is ignored, and the ADD is sent until there is an answer."""

    def increment_once(self, op_id: str, expires_at: int) -> bool:
        self._once = self._client  # which sends again what was not answered
        self.increment()
        return True


class RemembersFirst(DynamoCounterStore):
    """Planted: two writes in the place of a transaction, the op row first."""

    def increment_once(self, op_id: str, expires_at: int) -> bool:
        if op_id in self._client._table.operations:
            return False
        self._client._table.rows[f"op#{op_id}"] = {"id": {"S": f"op#{op_id}"}}
        self._client._table.time.wait(5)
        self._client._table._add_one(self._add_one())
        return True


class ReadsItsOwnRows(DynamoCounterStore):
    """Planted: reads as many rows as are configured, not as many as there are."""

    def value(self) -> int:
        self._in_use = 1
        self._read = lambda names: DynamoCounterStore._read(self, names[:1])  # type: ignore[method-assign]
        return super().value()


class AnnouncesNothing(DynamoCounterStore):
    """Planted: clicks land on rows of which instances with fewer do not know."""

    def _announce(self) -> None:
        return


PLANTED: dict[str, tuple[type[DynamoCounterStore], tuple[int, ...], str]] = {
    "a plain ADD, sent again": (RetriedAdd, (1,), "the value is"),
    "two writes for a transaction": (RemembersFirst, (1,), "the value is"),
    "a part of the rows is read": (ReadsItsOwnRows, (4,), "read"),
    "rows are not announced": (AnnouncesNothing, (1, 4), "read"),
}


@pytest.mark.parametrize(("store", "shards", "sentence"), PLANTED.values(), ids=PLANTED)
def test_a_planted_mistake_is_found(
    store: type[DynamoCounterStore], shards: tuple[int, ...], sentence: str
) -> None:
    found = []
    for seed in range(5):
        world = CountingWorld(seed, Chances(plain=0), shards=shards, store=store)
        found += violations(world, world.run(CLIENTS, CLICKS))
    assert [each for each in found if sentence in each]


class TestADeath:
    """Of the invocation of one click, in each of its waits, and what the second one makes good."""

    CLICK = '{"action":"increment","id":"q7Rk_3sYd-2oFiAC:1"}'
    WAITS = 15  # of a click that nothing comes in between

    def world(self, dies_after: int | None) -> CountingWorld:
        world = CountingWorld(7, NONE)
        world.join("clicker", "listener")
        self.says(world, "clicker", self.CLICK, 0, dies_after)
        return world

    def says(
        self, world: CountingWorld, name: str, text: str, at: int, dies_after: int | None = None
    ) -> None:
        message = Message(name, world.time.now_s(), text)
        world.time.spawn(lambda: world.invoke(message), at, dies_after)

    @pytest.mark.parametrize("wait", range(1, WAITS + 1))
    def test_costs_nothing_but_time(self, wait: int) -> None:
        world = self.world(dies_after=wait)
        self.says(world, "clicker", self.CLICK, 5_000)
        self.says(world, "listener", '{"action":"get-current"}', 20_000)
        world.time.run()
        assert world.table.value == 1
        assert {"type": "counter-update", "value": 1, "id": "q7Rk_3sYd-2oFiAC:1"} in (
            world.inboxes["clicker"]
        )
        assert world.inboxes["listener"][-1]["value"] == 1

    def test_before_the_broadcast_is_made_good_by_the_second_message(self) -> None:
        """Which counts nothing and broadcasts all the same: nobody else would."""
        for wait in range(1, self.WAITS):
            world = self.world(dies_after=wait)
            world.time.run()
            if world.table.value == 1 and not world.inboxes["listener"]:
                break
        else:
            pytest.fail("no death came between the count and the broadcast")
        self.says(world, "clicker", self.CLICK, 5_000)
        world.time.run()
        assert world.table.value == 1
        assert world.inboxes["listener"] == [{"type": "counter-update", "value": 1}]

    def test_is_tried_in_every_wait(self) -> None:
        last, beyond = self.world(self.WAITS), self.world(self.WAITS + 1)
        for world in (last, beyond):
            world.time.run()
        assert (last.time.died, beyond.time.died) == (1, 0)
