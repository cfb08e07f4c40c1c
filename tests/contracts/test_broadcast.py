"""Many clickers at the same time, each with its own invocation, on every adapter of the stores."""

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from random import Random
from threading import Barrier, Lock

from counter_service.runtime.core.access import Access
from counter_service.runtime.core.assembly import assemble
from counter_service.runtime.core.events import Message
from counter_service.runtime.core.origins import OriginPolicy
from counter_service.runtime.core.ports import Connection, Delivery
from simulation.fakes import FakeClock, FakeOutbox, fake_ports
from tests.contracts.conftest import Stores

CLICKERS = 6
CLICKS = 5  # of each
CLIENTS = [f"client {number}" for number in range(10)]


class SlowOutbox(FakeOutbox):
    """Posting takes a while, so clicks come in between; the gateway takes one post at a time."""

    def __init__(self, *open_connections: str) -> None:
        super().__init__(*open_connections)
        self._turn = Lock()

    def post(self, message: str, audience: Iterable[str]) -> Mapping[str, Delivery]:
        listed = list(audience)
        time.sleep(0.005)
        with self._turn:
            return super().post(message, listed)


def test_everyone_ends_with_the_last_value(stores: Stores) -> None:
    clock = FakeClock()
    outbox = SlowOutbox(*CLIENTS, *(f"clicker {number}" for number in range(CLICKERS)))
    for client in outbox.open:
        stores.connections.put(Connection(client, clock.time))
    together = Barrier(CLICKERS)

    def click(number: int) -> list[int]:
        ports = fake_ports(
            counter=stores.counter,
            connections=stores.connections,
            lease=stores.lease,
            outbox=outbox,
            clock=clock,
            random=Random(number).random,
        )
        service = assemble(ports, Access(OriginPolicy()))
        together.wait(timeout=10)
        clicks = ['{"action":"increment"}'] + [
            f'{{"action":"increment","id":"clicker-of-{number:06}:{click}"}}'
            for click in range(1, CLICKS)
        ]
        messages = [Message(f"clicker {number}", clock.time, click) for click in clicks]
        return [service.handle(message).deliveries.broadcasts for message in messages]

    with ThreadPoolExecutor(CLICKERS) as pool:
        broadcasts = sum(sum(each) for each in pool.map(click, range(CLICKERS)))

    assert stores.counter.value() == CLICKERS * CLICKS
    shown = {
        client: max(each["value"] for each in outbox.received(client)) for client in outbox.open
    }
    assert shown == dict.fromkeys(outbox.open, CLICKERS * CLICKS)
    assert not stores.lease.is_expired(clock.time + 10**6), "somebody still holds the lease"
    assert broadcasts <= CLICKERS * CLICKS
