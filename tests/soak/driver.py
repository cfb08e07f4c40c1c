"""Runs the rounds of a soak: clicks under faults, then quiet, until the time is over."""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from math import inf

from counter_service.client import Times
from counter_service.history.events import Loud, Quiet
from counter_service.history.invariants import CONVERGENCE_SECONDS
from counter_service.history.recorder import Recorder
from tests.e2e.conftest import Product
from tests.e2e.fault_proxy import FaultProxy

from .clients import HEARTBEAT_SECONDS, RESPONSE_SECONDS, Clicker, Listener, WithoutId
from .faults import Faults
from .run import Options, Run, stored_in
from .tabs import Tabs

PROXIES = 3
ROUND_SECONDS = 25.0
# After the faults, clicks go on until the clients have noticed every lost response.
HEALING_SECONDS = RESPONSE_SECONDS + 1
RESOLVE_SECONDS = 60.0
# A client that missed the last broadcast shows the value after its next heartbeat.
HEARTBEAT_LIMIT = HEARTBEAT_SECONDS + 1
# The emulator could not serve a thousand shorter ones.
STORM_TIMES = Times(reconnect=0.5, response=120, heartbeat=120)
STORM_SECONDS = 300.0
CROWD = "crowd"  # first word of the names of the storm's clients


class Soak:
    """The clients of a product, and the faults between them. `report` gets lines of progress."""

    def __init__(
        self,
        product: Product,
        proxies: list[FaultProxy],
        options: Options,
        report: Callable[[str], None],
    ) -> None:
        self._product = product
        self._proxies = proxies
        self._options = options
        self._report = report
        self._recorder = Recorder(time.time)
        self._faults = Faults(proxies, product.process.pid, random.Random(options.seed))
        self._clicking = asyncio.Event()
        self._clicking_without_id = asyncio.Event()
        through = [proxy.through(product.url) for proxy in proxies]
        self._clickers = [
            Clicker(
                f"clicker {number + 1}",
                through[number % PROXIES],
                self._recorder,
                options.window,
                self._clicking,
            )
            for number in range(options.clickers)
        ]
        self._listeners = [
            Listener(f"listener {number + 1}", through[number % PROXIES], self._recorder)
            for number in range(options.listeners)
        ]
        # These two have no proxy, so no fault.
        self._last = Clicker("last", product.url, self._recorder, 0, self._clicking)
        self._without_id = WithoutId(
            "without id", product.url, self._recorder, 1.0, self._clicking_without_id
        )
        self._tabs = Tabs(product.page, through[0], self._recorder, options.tabs)
        self._rounds = 0
        self._cut_at_once = 0
        self._storm_seconds = 0.0

    @property
    def _clients(self) -> list[Listener]:
        return [*self._clickers, *self._listeners, self._last, self._without_id]

    async def run(self) -> Run:
        started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(client.run()) for client in self._clients]
            if self._options.tabs:
                self._tabs.start()
                await asyncio.to_thread(self._tabs.ready.wait)
            if self._options.storm:
                await self._storm(group)
            rounds_started = time.monotonic()
            while (
                time.monotonic() - rounds_started < self._options.seconds
                and self._recorder.acknowledged < (self._options.clicks or inf)
            ):
                await self._round()
            seconds_of_rounds = time.monotonic() - rounds_started
            for task in tasks:
                task.cancel()
        if self._options.tabs:
            await asyncio.to_thread(self._tabs.end)
        return Run(
            self._recorder,
            self._faults,
            await asyncio.to_thread(stored_in, self._product),
            self._rounds,
            time.monotonic() - started,
            seconds_of_rounds,
            sum(client.reconnects for client in self._clients),
            self._cut_at_once,
            self._storm_seconds,
        )

    async def _round(self) -> None:
        """Clicks and faults, and then quiet.

        In every third round the function crashes. In another third, the clients of one proxy miss
        the last broadcast, which only a heartbeat repairs.
        """
        crashes, loses_last = self._rounds % 3 == 1, self._rounds % 3 == 2
        self._clicking.set()
        self._tabs.clicking.set()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + ROUND_SECONDS
        if crashes:  # a killed function may lose a click that has no op id, without an error
            await self._faults.crash_until(deadline)
        else:
            self._clicking_without_id.set()
            await self._faults.strike_until(deadline)
        await asyncio.sleep(HEALING_SECONDS)
        self._stop_clicking()
        await self._until(self._all_idle, RESOLVE_SECONDS)
        limits = {client.name: CONVERGENCE_SECONDS for client in self._clients}
        limits |= dict.fromkeys(self._tabs.names, CONVERGENCE_SECONDS)
        if crashes:  # the crash may have lost a broadcast
            limits = dict.fromkeys(limits, HEARTBEAT_LIMIT)
        elif loses_last:
            lossy = self._proxies[self._rounds // 3 % PROXIES]
            self._faults.drop_responses(lossy)
            limits |= dict.fromkeys(self._names_behind(lossy), HEARTBEAT_LIMIT)
        await self._quiet(limits, self._clients)

    async def _storm(self, group: asyncio.TaskGroup) -> None:
        """Open many sockets, cut all of them at once, and wait until they are back."""
        with FaultProxy.to(self._product.url) as proxy:
            crowd = [
                Listener(
                    f"{CROWD} {number + 1}",
                    proxy.through(self._product.url),
                    self._recorder,
                    times=STORM_TIMES,
                )
                for number in range(self._options.storm)
            ]
            tasks = []
            for client in crowd:
                tasks.append(group.create_task(client.run()))
                await asyncio.sleep(0.01)
            await self._until(lambda: all(each.idle for each in crowd), STORM_SECONDS)
            self._report(f"{sum(each.idle for each in crowd):,} sockets are open and will be cut.")
            for clicker in self._clickers:
                clicker.click()
            await asyncio.sleep(0.3)  # they are sent, and few are acknowledged
            self._cut_at_once = sum(each.open for each in (proxy, *self._proxies))
            cut_at = time.monotonic()
            for each in (proxy, *self._proxies):
                self._faults.cut(each)
            await asyncio.sleep(1)
            everyone = [*self._clients, *crowd]
            await self._until(
                lambda: all(each.idle for each in crowd) and self._all_idle(), STORM_SECONDS
            )
            self._storm_seconds = time.monotonic() - cut_at
            limits = {client.name: CONVERGENCE_SECONDS for client in everyone}
            limits |= dict.fromkeys(self._tabs.names, CONVERGENCE_SECONDS)
            await self._quiet(limits, everyone)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        few = len(self._clients) + 50
        while len(await asyncio.to_thread(self._product.connection_ids)) > few:
            await asyncio.sleep(1)

    async def _quiet(self, limits: dict[str, float], clients: list[Listener]) -> None:
        """One last click on a connection without faults, and then none until all have the value."""
        await self._stable_value()
        self._last.click()
        await self._until(lambda: not self._last.pending, RESOLVE_SECONDS)
        value = await asyncio.to_thread(self._product.stored_value)
        quiet = Quiet(self._recorder.acknowledged_at, value, limits)
        self._recorder.record(quiet)

        def all_show_it() -> bool:
            shown = [client.value for client in clients] + [
                self._tabs.shown.get(name, 0) for name in self._tabs.names
            ]
            return all(each == value for each in shown)

        await self._until(all_show_it, max(limits.values()) + 5)
        self._without_id.settle()
        self._recorder.record(Loud())
        self._rounds += 1
        self._report(f"Quiet {self._rounds}: {self._recorder.acknowledged:,} clicks acknowledged.")

    async def _stable_value(self) -> int:
        """The stored value, after a second in which no increment arrived."""
        before, value = -1, await asyncio.to_thread(self._product.stored_value)
        while before != value:
            await asyncio.sleep(1)
            before, value = value, await asyncio.to_thread(self._product.stored_value)
        return value

    def _stop_clicking(self) -> None:
        for clicking in (self._clicking, self._clicking_without_id, self._tabs.clicking):
            clicking.clear()

    def _all_idle(self) -> bool:
        tabs_are_idle = not self._options.tabs or (self._tabs.connected and not self._tabs.pending)
        return tabs_are_idle and all(client.idle for client in self._clients)

    def _names_behind(self, proxy: FaultProxy) -> Iterator[str]:
        index = self._proxies.index(proxy)
        for group in (self._clickers, self._listeners):
            yield from (client.name for client in group[index::PROXIES])
        if index == 0:
            yield from self._tabs.names

    async def _until(self, condition: Callable[[], bool], seconds: float) -> None:
        """Wait for the condition until the time is up. The checks of the history find a failure."""
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            if self._tabs.failure:
                raise self._tabs.failure
            await asyncio.sleep(0.05)


@contextmanager
def proxies(product: Product) -> Iterator[list[FaultProxy]]:
    with ExitStack() as stack:
        yield [stack.enter_context(FaultProxy.to(product.url)) for _ in range(PROXIES)]
