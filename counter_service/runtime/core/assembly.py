"""The one place where the service is put together: for Lambda, tests, simulation and benchmarks."""

from .access import Access
from .backoff import Backoff
from .broadcast import Broadcaster
from .counting import ClickCounter
from .ports import Ports
from .service import CounterService


def assemble(
    ports: Ports, access: Access, *, broadcast_interval_ms: int = 0, clicks_per_second: int = 0
) -> CounterService:
    """The service on these ports.

    Args:
        broadcast_interval_ms: Minimum time from one broadcast to the next.
        clicks_per_second: Limit of one connection. 0 means no limit.
    """
    return CounterService(
        counter=ports.counter,
        connections=ports.connections,
        outbox=ports.outbox,
        clock=ports.clock,
        access=access,
        click_counter=ClickCounter(ports.counter, ports.clock, Backoff(ports.clock, ports.random)),
        broadcaster=Broadcaster(
            counter=ports.counter,
            connections=ports.connections,
            lease=ports.lease,
            outbox=ports.outbox,
            clock=ports.clock,
            self_invoker=ports.self_invoker,
            new_owner=ports.new_owner,
            interval_ms=broadcast_interval_ms,
        ),
        clicks_per_second=clicks_per_second,
    )
