"""Runs a load: the clients connect, click, and wait until all of them show the last value."""

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum

from counter_service.cli.address import Address
from counter_service.cli.connecting import client_for, unreachable
from counter_service.cli.errors import UnreachableError
from counter_service.client import Failure
from counter_service.history.events import Quiet, Stored
from counter_service.history.invariants import CONVERGENCE_SECONDS
from counter_service.history.recorder import Recorder

from .client import LoadClient
from .plan import Plan
from .result import Result

READ_SECONDS = 10.0  # for one value on a connection of its own
CONNECT_SECONDS = 20.0  # after the ramp-up, for attempts that are repeated
RESOLVE_SECONDS = 30.0  # after the last click, for its acknowledgement
BRIEF_SECONDS = 3.0  # in place of the last two, after Ctrl-C
LAG_EVERY_SECONDS = 0.02


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
        before = await self._read()
        connections: list[asyncio.Task[None]] = []
        clicks: list[asyncio.Task[None]] = []
        lag = asyncio.create_task(self._measure_lag())
        cpu, started = time.process_time(), self._now()
        try:
            with self._interruptible():
                await self._connect(connections)
                await self._click(clicks)
                self.phase = Phase.RESOLVING
                await self._wait(lambda: all(each.done() for each in clicks), RESOLVE_SECONDS)
                stored, problem = await self._converge(before)
            cores = (time.process_time() - cpu) / (self._now() - started)
            return self._result(stored, cores), problem
        finally:
            lag.cancel()
            self._ended.set()
            # Their errors, if they have any, are errors of this program.
            await asyncio.gather(*connections, *clicks)

    async def _read(self) -> int:
        """The value, on a new connection."""
        reader = client_for(self._address, self._token)
        try:
            async with reader, asyncio.timeout(READ_SECONDS):
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
        await self._wait(lambda: all(each.is_ready for each in self.clients), CONNECT_SECONDS)

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
            value = await self._read()
        except UnreachableError as error:
            value, problem = self.value, error
        stored = Stored(value, before=before, is_shared=not self._address.is_loopback)
        acknowledged = [click.value for each in self.clients for click in each.clicks.values()]
        last = max(acknowledged, default=before) if stored.is_shared else value
        quiet_at = self.recorder.acknowledged_at or self._now()

        def live() -> Iterator[LoadClient]:
            return (each for each in self.clients if each.was_open_since(quiet_at))

        await self._wait(
            lambda: all(each.observer.value >= last for each in live()), 2 * CONVERGENCE_SECONDS
        )
        # Clicks that Ctrl-C left pending may still change the value.
        if not self._interrupted.is_set() or not any(
            each.observer.pending for each in self.clients
        ):
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

    async def _wait(self, condition: Callable[[], bool], seconds: float) -> None:
        """Wait for a condition, at most so long. The result shows if it does not become true."""
        started = self._now()
        while not condition():
            limit = BRIEF_SECONDS if self._interrupted.is_set() else seconds
            if self._now() > started + limit:
                return
            await asyncio.sleep(0.02)

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()

        def interrupt() -> None:
            loop.remove_signal_handler(signal.SIGINT)
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
