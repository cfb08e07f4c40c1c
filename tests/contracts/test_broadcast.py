import time
from collections.abc import Iterable
from dataclasses import replace
from random import Random
from threading import Lock

import pytest

from counter_service.runtime.core.access import Access
from counter_service.runtime.core.assembly import assemble
from counter_service.runtime.core.errors import StoreUnavailable
from counter_service.runtime.core.events import Message
from counter_service.runtime.core.origins import OriginPolicy
from counter_service.runtime.core.ports import Connection, CounterStore, PostResult
from simulation.fakes import FakeClock, FakeOutbox, fake_ports
from tests.contracts.conftest import Stores, together

CLICKERS = 6
CLICKS = 8  # of each
CLIENTS = [f"client {number}" for number in range(10)]
REPLIES_LOST = 0.3


class SlowOutbox(FakeOutbox):
    """Posts take time, so that other invocations count and broadcast during them."""

    def __init__(self, *open_connections: str) -> None:
        super().__init__(*open_connections)
        self._turn = Lock()

    def post(
        self, message: str, audience: Iterable[str], until_ms: float = float("inf")
    ) -> PostResult:
        listed = list(audience)
        time.sleep(0.005)
        with self._turn:
            return super().post(message, listed)


class LossyCounterStore(CounterStore):
    """A counter store that loses the replies of some clicks after it counted them."""

    def __init__(self, store: CounterStore, random: Random) -> None:
        self.lost = 0
        self._store = store
        self._random = random

    def increment(self) -> int | None:
        return self._store.increment()

    def increment_once(self, op_id: str, expires_at: int) -> bool:
        counted = self._store.increment_once(op_id, expires_at)
        if self._random.random() < REPLIES_LOST:
            self.lost += 1
            raise StoreUnavailable("increment", "ReadTimeoutError")
        return counted

    def value(self) -> int:
        return self._store.value()


@pytest.mark.no_cover  # which takes as long again, and the other tests run the same lines
def test_concurrent_invocations_count_every_click_once_and_send_everyone_the_last_value(
    stores: Stores,
) -> None:
    clock = FakeClock()
    outbox = SlowOutbox(*CLIENTS, *(f"clicker {number}" for number in range(CLICKERS)))
    for client in outbox.open:
        stores.connections.put(Connection(client, clock.time))

    def click(number: int) -> tuple[int, int]:
        """Send clicks until each is acknowledged. Returns the lost replies and the broadcasts."""
        counter = LossyCounterStore(stores.counter, Random(number))
        ports = replace(
            fake_ports(),
            counter=counter,
            connections=stores.connections,
            lease=stores.lease,
            outbox=outbox,
            clock=clock,
            random=Random(number).random,
        )
        service = assemble(ports, Access(OriginPolicy()))
        clicks = ['{"action":"increment"}'] + [
            f'{{"action":"increment","id":"clicker-of-{number:06}:{click}"}}'
            for click in range(1, CLICKS)
        ]
        broadcasts = 0
        for body in clicks:
            message = Message(f"clicker {number}", clock.time, body)
            while (result := service.handle(message, clock.now_ms() + 20_000)).error:
                pass
            broadcasts += result.deliveries.broadcasts
        return counter.lost, broadcasts

    lost, broadcasts = map(sum, zip(*together(click, CLICKERS), strict=True))
    assert lost > 0
    assert broadcasts <= CLICKERS * CLICKS
    assert stores.counter.value() == CLICKERS * CLICKS
    shown = {
        client: max(each["value"] for each in outbox.received(client) if "value" in each)
        for client in outbox.open
    }
    assert shown == dict.fromkeys(outbox.open, CLICKERS * CLICKS)
    assert not stores.lease.is_expired(clock.time + 10**6), "the lease is not released"
