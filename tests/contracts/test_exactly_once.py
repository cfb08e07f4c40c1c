"""A thousand clicks whose answers get lost after they were counted, by the real service.

Not on moto, which copies the table for every transaction.
"""

import json
from collections.abc import Callable
from random import Random

import pytest

from counter_service.runtime.core.access import Access
from counter_service.runtime.core.assembly import assemble
from counter_service.runtime.core.errors import OutcomeUnknown, StoreUnavailable
from counter_service.runtime.core.events import Message
from counter_service.runtime.core.origins import OriginPolicy
from counter_service.runtime.core.ports import CounterStore
from simulation.fakes import (
    FakeClock,
    FakeOutbox,
    fake_ports,
)
from tests.contracts.conftest import Stores

CLICKS = 1000
LOST = 0.3  # of the answers


class Forgetful(CounterStore):
    """Counts in another store, and then some answers are lost."""

    def __init__(self, inner: CounterStore) -> None:
        self.lost = 0
        self._inner = inner
        self._dice = Random(1)

    def _is_lost(self) -> bool:
        lost = self._dice.random() < LOST
        self.lost += lost
        return lost

    def increment(self) -> int | None:
        value = self._inner.increment()
        if self._is_lost():
            raise OutcomeUnknown("increment", "ReadTimeoutError")
        return value

    def increment_once(self, op_id: str, expires_at: int) -> bool:
        counted = self._inner.increment_once(op_id, expires_at)
        if self._is_lost():
            raise StoreUnavailable("increment", "ReadTimeoutError")
        return counted

    def value(self) -> int:
        value = self._inner.value()
        if self._is_lost():
            raise StoreUnavailable("reading the counter", "ReadTimeoutError")
        return value


class RetriedAdd(Forgetful):
    """Planted: an ADD that is sent until there is an answer."""

    def increment_once(self, op_id: str, expires_at: int) -> bool:
        while True:
            try:
                self.increment()
            except OutcomeUnknown:
                continue
            return True


def click_until_acknowledged(counter: CounterStore) -> int:
    """Every click, as its client does; how often one was sent in all."""
    clock, outbox = FakeClock(), FakeOutbox("client")
    ports = fake_ports(counter=counter, outbox=outbox, clock=clock, random=Random(2).random)
    service = assemble(ports, Access(OriginPolicy()))
    sent = 0
    for sequence in range(CLICKS):
        op_id = f"a-thousand-clicks:{sequence}"
        click = json.dumps({"action": "increment", "id": op_id})
        acknowledged = False
        while not acknowledged:
            sent += 1
            outbox.delivered.clear()
            service.handle(Message("client", clock.time, click))
            answers = [each for each in outbox.received("client") if each.get("id") == op_id]
            acknowledged = any(each["type"] == "counter-update" for each in answers)
    return sent


@pytest.mark.parametrize(
    ("adapter", "store", "is_right"),
    [
        ("in_memory", Forgetful, True),
        ("dynamodb_on_the_emulator", Forgetful, True),
        ("in_memory", RetriedAdd, False),
    ],
)
def test_a_thousand_clicks_are_a_thousand(
    request: pytest.FixtureRequest,
    adapter: str,
    store: Callable[[CounterStore], Forgetful],
    is_right: bool,
) -> None:
    stores: Stores = request.getfixturevalue(adapter)
    counter = store(stores.counter)
    sent = click_until_acknowledged(counter)
    assert counter.lost > CLICKS * LOST
    assert sent > CLICKS
    assert (stores.counter.value() == CLICKS) is is_right
