"""The faults of a soak, and the number of connections that each of them affected."""

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from tests.e2e.fault_proxy import Fault, FaultProxy
from tests.e2e.processes import workers_of

CUT = "connections cut"
OUTAGE = "outage: connections cut, and new ones refused for up to 2 s"
DELAY = "all bytes delayed for up to 1.5 s"
CRASH = "process of the function killed"
INJECTED = {
    Fault.RESET_AT_REQUEST: "request lost and connection reset",
    Fault.RESET_AT_RESPONSE: "response lost and connection reset",
    Fault.DROP_RESPONSE: "response lost",
    Fault.BLACKHOLE: "connection open, but all bytes lost",
}
# Clients find the last two faults only after a deadline, so they are rarer.
WEIGHTS: dict[str | Fault, int] = {
    CUT: 4,
    OUTAGE: 1,
    DELAY: 3,
    Fault.RESET_AT_REQUEST: 4,
    Fault.RESET_AT_RESPONSE: 4,
    Fault.BLACKHOLE: 1,
    Fault.DROP_RESPONSE: 1,
}
# Seconds between two faults.
PAUSE = (0.5, 3.0)
CRASH_PAUSE = (2.0, 4.0)


@dataclass(slots=True)
class Faults:
    """Injects faults into one of several proxies at a time, so that the other clients continue.

    Attributes:
        times: How often each fault happened.
        struck: Number of connections that it happened to.
    """

    proxies: Sequence[FaultProxy]
    product: int  # pid
    chance: random.Random
    times: Counter[str] = field(default_factory=Counter)
    struck: Counter[str] = field(default_factory=Counter)

    async def strike_until(self, deadline: float) -> None:
        """Inject faults until the event loop's clock shows the deadline, then heal the proxies."""
        clock = asyncio.get_running_loop().time
        while clock() < deadline:
            await asyncio.sleep(self.chance.uniform(*PAUSE))
            await self._strike(self.chance.choice(self.proxies))
        for proxy in self.proxies:
            proxy.heal()

    async def crash_until(self, deadline: float) -> None:
        """Kill the processes of the function until the deadline."""
        clock = asyncio.get_running_loop().time
        while clock() < deadline:
            await asyncio.sleep(self.chance.uniform(*CRASH_PAUSE))
            for worker in workers_of(self.product):
                with suppress(ProcessLookupError):  # ended meanwhile
                    os.kill(worker, signal.SIGKILL)
                    self._count(CRASH, 0)

    def drop_responses(self, proxy: FaultProxy) -> None:
        """Lose the next response or broadcast of every connection of the proxy."""
        self._inject(proxy, Fault.DROP_RESPONSE)

    def cut(self, proxy: FaultProxy) -> None:
        self._count(CUT, proxy.open)
        proxy.reset()

    async def _strike(self, proxy: FaultProxy) -> None:
        (fault,) = self.chance.choices(list(WEIGHTS), list(WEIGHTS.values()))
        if isinstance(fault, Fault):
            self._inject(proxy, fault)
        elif fault == CUT:
            self.cut(proxy)
        elif fault == OUTAGE:
            self._count(OUTAGE, proxy.open)
            proxy.block()
            await asyncio.sleep(self.chance.uniform(0.2, 2.0))
            proxy.unblock()
        else:
            self._count(DELAY, proxy.open)
            proxy.pause()
            await asyncio.sleep(self.chance.uniform(0.1, 1.5))
            proxy.resume()

    def _inject(self, proxy: FaultProxy, fault: Fault) -> None:
        if healthy := proxy.healthy:
            self._count(INJECTED[fault], healthy)
            proxy.inject(fault)

    def _count(self, fault: str, connections: int) -> None:
        self.times[fault] += 1
        self.struck[fault] += connections
