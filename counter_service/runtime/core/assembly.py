"""The one place where the service is put together: for Lambda, tests, simulation and benchmarks."""

from .access import Access
from .backoff import Backoff
from .broadcast import Broadcaster
from .counting import ClickCounter
from .ports import Ports
from .service import CounterService


def assemble(ports: Ports, access: Access, *, messages_per_second: int = 0) -> CounterService:
    """The service on these ports. `messages_per_second` limits one connection; 0: no limit."""
    backoff = Backoff(ports.clock, ports.random)
    return CounterService(
        counter=ports.counter,
        connections=ports.connections,
        outbox=ports.outbox,
        clock=ports.clock,
        access=access,
        click_counter=ClickCounter(ports.counter, ports.clock, backoff),
        broadcaster=Broadcaster(
            counter=ports.counter,
            connections=ports.connections,
            lease=ports.lease,
            outbox=ports.outbox,
            clock=ports.clock,
            backoff=backoff,
            self_invoker=ports.self_invoker,
            new_owner=ports.new_owner,
        ),
        messages_per_second=messages_per_second,
    )
