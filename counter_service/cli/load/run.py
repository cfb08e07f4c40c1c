"""Runs a load: the clients connect, click, and wait until all of them show the last value."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from math import inf

from counter_service.cli.address import Address
from counter_service.cli.connecting import client_for, unreachable
from counter_service.cli.errors import UnreachableError
from counter_service.client import Failure
from counter_service.history.events import Quiet, Stored
from counter_service.history.recorder import Recorder

from .client import TIMES, LoadClient
from .plan import Plan
from .result import Result

READ_SECONDS = 10.0  # for the value before the load, on a connection of its own
BUSY_READ_SECONDS = 30.0  # for the value after it, when the server may still be busy
# A slow server may take long, but not so long without any progress. A client replaces a connection
# without responses in less.
CONNECT_SECONDS = 40.0  # without one more client that is connected
RESOLVE_SECONDS = 40.0  # without one more acknowledgement
CONVERGENCE_SECONDS = 30.0  # from the last acknowledgement until every client shows the last value
BRIEF_SECONDS = 3.0  # in place of these three, after Ctrl-C
LAG_EVERY_SECONDS = 0.02
POLL_SECONDS = 0.02


class Phase(StrEnum):
    """What a load does."""

    CONNECTING = "connecting"
    CLICKING = "clicking"
    RESOLVING = "waiting for acknowledgements"
    CONVERGING = "waiting for the last value"


class LoadRun:
    """One run of a load. Its attributes are what a display may show meanwhile.

    Attributes:
        plan: What to do.
        phase: What it does.
        clients: The clients that have begun to connect.
        clicked: Number of clicks that were due so far.
        recorder: Has the history.
        lags: By how many seconds the event loop was late, at regular intervals.
    """

    def __init__(self, address: Address, token: str | None, plan: Plan) -> None:
        self.plan = plan
        self.phase = Phase.CONNECTING
        self.clients: list[LoadClient] = []
        self.clicked = 0
        self.lags: list[float] = []
        self._address, self._token = address, token
        self._now = asyncio.get_running_loop().time
        self.recorder = Recorder(self._now)
        self._interrupted = asyncio.Event()
        self._brief_end = inf  # when waiting ends after Ctrl-C
        self._ended = asyncio.Event()
        self._messages_of_readers = 0

    @property
    def received(self) -> int:
        """Number of messages that the clients have received so far."""
        return sum(each.messages_received for each in self.clients)

    @property
    def ready(self) -> int:
        """Number of clients that are connected and show a value."""
        return sum(each.is_ready for each in self.clients)

    @property
    def value(self) -> int:
        """The greatest value that a client shows."""
        return max((each.observer.value for each in self.clients), default=0)

    async def run(self) -> tuple[Result, UnreachableError | None]:
        """Run it. Ctrl-C ends it early, and a second one at once.

        Returns:
            What came of it, and why the counter could not be read at the end, if it could not.

        Raises:
            UnreachableError: There was no connection at the beginning.
        """
        before = await self._read(READ_SECONDS)
        connections: list[asyncio.Task[None]] = []
        clicks: list[asyncio.Task[None]] = []
        lag = asyncio.create_task(self._measure_lag())
        cpu, started = time.process_time(), self._now()
        try:
            with self._interruptible():
                await self._connect(connections)
                await self._click(clicks)
                self.phase = Phase.RESOLVING
                await self._wait(
                    lambda: sum(each.done() for each in clicks), len(clicks), RESOLVE_SECONDS
                )
                stored, problem = await self._converge(before)
            cores = (time.process_time() - cpu) / (self._now() - started)
            return self._result(stored, cores), problem
        finally:
            lag.cancel()
            self._ended.set()
            # Their errors, if they have any, are errors of this program.
            await asyncio.gather(*connections, *clicks)

    async def _read(self, seconds: float) -> int:
        """The value, on a new connection."""
        reader = client_for(self._address, self._token, times=TIMES)
        try:
            async with reader, asyncio.timeout(seconds):
                value = await anext(reader.updates())
        except (Failure, TimeoutError) as problem:
            cause = problem if isinstance(problem, Failure) else reader.problem
            raise unreachable(self._address, cause) from None
        self._messages_of_readers += 1
        return value

    async def _connect(self, connections: list[asyncio.Task[None]]) -> None:
        started = self._now()
        for number in range(self.plan.clients):
            if not await self._sleep_until(started + self.plan.connect_at(number)):
                return
            client = LoadClient(
                f"client {number + 1}", self._address, self._token, self.recorder, self._now
            )
            self.clients.append(client)
            connections.append(asyncio.create_task(self._stay(client)))
        await self._wait(lambda: self.ready, len(self.clients), CONNECT_SECONDS)

    async def _stay(self, client: LoadClient) -> None:
        with suppress(Failure):  # it was rejected, which its `problem` keeps
            async with client.connection:
                await self._ended.wait()

    async def _click(self, clicks: list[asyncio.Task[None]]) -> None:
        """Click when clicks are due, whether or not earlier ones are acknowledged."""
        self.phase = Phase.CLICKING
        ready = [each for each in self.clients if each.is_ready]
        started = self._now()
        for number in range(self.plan.clicks if ready else 0):
            due = started + self.plan.click_at(number)
            if not await self._sleep_until(due):
                return
            client = ready[number % len(ready)]
            clicks.append(asyncio.create_task(client.click(due)))
            self.clicked += 1

    async def _converge(self, before: int) -> tuple[Stored, UnreachableError | None]:
        """Wait until the clients show the last value, and compare it with the counter's."""
        self.phase = Phase.CONVERGING
        problem = None
        try:
            value = await self._read(BUSY_READ_SECONDS)
        except UnreachableError as error:
            value, problem = self.value, error
        stored = Stored(value, before=before, is_shared=not self._address.is_loopback)
        acknowledged = [click.value for each in self.clients for click in each.clicks.values()]
        last = max(acknowledged, default=before) if stored.is_shared else value
        quiet_at = self.recorder.acknowledged_at or self._now()

        def live() -> Iterator[LoadClient]:
            return (each for each in self.clients if each.was_open_since(quiet_at))

        def behind() -> bool:
            return any(each.observer.value < last for each in live())

        while behind() and self._now() < min(quiet_at + CONVERGENCE_SECONDS, self._brief_end):
            await asyncio.sleep(POLL_SECONDS)
        pending = any(each.observer.pending for each in self.clients)
        # Ctrl-C may leave clicks and broadcasts under way.
        if not (self._interrupted.is_set() and (pending or behind())):
            limits = {each.observer.name: CONVERGENCE_SECONDS for each in live()}
            self.recorder.record(Quiet(quiet_at, last, limits, is_least=stored.is_shared))
        return stored, problem

    def _result(self, stored: Stored, cores: float) -> Result:
        failures: Counter[str] = sum((each.failures for each in self.clients), Counter())
        return Result(
            plan=self.plan,
            was_interrupted=self._interrupted.is_set(),
            stored=stored,
            history=self.recorder.history,
            clicks=[click for each in self.clients for click in each.clicks.values()],
            connected={each.observer.name: each.connected for each in self.clients},
            connects=[seconds for each in self.clients for seconds in each.connects],
            attempts=sum(each.attempts for each in self.clients),
            unconnected={
                each.observer.name: str(each.connection.problem or "no value arrived")
                for each in self.clients
                if not each.is_ready
            },
            failures=failures,
            repeated=sum(each.observer.repeated for each in self.clients),
            messages_sent=self._messages_of_readers
            + sum(each.connection.sent for each in self.clients),
            messages_received=self._messages_of_readers + self.received,
            lags=self.lags,
            core_share=cores,
        )

    async def _sleep_until(self, moment: float) -> bool:
        """Sleep. Returns whether the run goes on."""
        if moment <= self._now():
            await asyncio.sleep(0)
        else:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(moment):
                    await self._interrupted.wait()
        return not self._interrupted.is_set()

    async def _wait(self, count: Callable[[], int], most: int, seconds: float) -> None:
        """Wait until a number is reached, or it has not grown for so long."""
        reached, since = count(), self._now()
        while reached < most:
            if self._now() > min(since + seconds, self._brief_end):
                return
            await asyncio.sleep(POLL_SECONDS)
            if (now_reached := count()) > reached:
                reached, since = now_reached, self._now()

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()

        def interrupt() -> None:
            loop.remove_signal_handler(signal.SIGINT)
            self._brief_end = self._now() + BRIEF_SECONDS
            self._interrupted.set()

        loop.add_signal_handler(signal.SIGINT, interrupt)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    async def _measure_lag(self) -> None:
        while True:
            due = self._now() + LAG_EVERY_SECONDS
            await asyncio.sleep(LAG_EVERY_SECONDS)
            self.lags.append(self._now() - due)
