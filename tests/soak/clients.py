"""WebSocket clients that click and listen, and record what they see."""

import asyncio
import secrets
from itertools import count

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from counter_service.client import CounterClient, Failure, State, Times, Update
from counter_service.client.messages import increment, parse

from .events import Clicked, ClickedWithoutId, FailedWithoutId
from .recorder import Recorder

HEARTBEAT_SECONDS = 8.0  # the page's is a minute
RESPONSE_SECONDS = 5.0
TIMES = Times(reconnect=0.5, response=RESPONSE_SECONDS, heartbeat=HEARTBEAT_SECONDS)


class Listener:
    """A client that shows the counter.

    Attributes:
        value: The value that it shows; 0 before the first one.
    """

    def __init__(
        self,
        name: str,
        url: str,
        recorder: Recorder,
        *,
        times: Times = TIMES,
        max_in_flight: int = 1,
    ) -> None:
        self.name = name
        self.value = 0
        self._recorder = recorder
        self._connection = 0  # its number in the history
        self._has_value = False  # from the current connection
        self._client = CounterClient(
            url,
            times=times,
            max_in_flight=max_in_flight,
            on_update=self._on_update,
            on_state=self._on_state,
        )

    @property
    def idle(self) -> bool:
        """Whether the client is connected, and has the value that its connection began with."""
        return self._has_value

    @property
    def reconnects(self) -> int:
        """Number of connections after the first."""
        return max(0, self._client.connections - 1)

    async def run(self) -> None:
        """Stay connected until the task is cancelled."""
        async with self._client:
            await self._act()

    async def _act(self) -> None:
        await asyncio.Event().wait()

    def _on_state(self, state: State) -> None:
        self._has_value = False
        if state == "connecting":
            self._connection = self._recorder.open(self.name)

    def _on_update(self, update: Update) -> None:
        assert update.value is not None
        self._has_value = True
        self._recorder.receive(self._connection, update.value)
        if update.value > self.value:
            self.value = update.value
            self._recorder.display(self.name, update.value)


class Clicker(Listener):
    """A client that has `window` clicks pending while `clicking` is set."""

    def __init__(
        self, name: str, url: str, recorder: Recorder, window: int, clicking: asyncio.Event
    ) -> None:
        super().__init__(name, url, recorder, max_in_flight=max(1, window))
        self.pending: set[str] = set()  # op ids
        self._window = window
        self._clicking = clicking
        self._session, self._sequence = secrets.token_urlsafe(12), count(1)

    @property
    def idle(self) -> bool:
        return super().idle and not self.pending

    def click(self) -> None:
        """Click once more than the window."""
        self._clicks.create_task(self._client.increment(self._new_click()))

    async def _act(self) -> None:
        async with asyncio.TaskGroup() as self._clicks:
            for _ in range(self._window):
                self._clicks.create_task(self._keep_clicking())
            await super()._act()

    async def _keep_clicking(self) -> None:
        while True:
            await self._clicking.wait()
            await self._client.increment(self._new_click())

    def _new_click(self) -> str:
        op_id = f"{self._session}:{next(self._sequence)}"
        self.pending.add(op_id)
        self._recorder.record(Clicked(self.name, op_id))
        return op_id

    def _on_update(self, update: Update) -> None:
        super()._on_update(update)
        # A click that was sent twice is acknowledged twice.
        if update.op_id in self.pending and update.value is not None:
            self.pending.remove(update.op_id)
            self._recorder.acknowledge(self.name, update.op_id, update.value)


class WithoutId(Listener):
    """A client that increments without op ids, on a second connection. Both have no proxy.

    Every increment counts unless the response is an error, so the number that counted is known.
    """

    def __init__(
        self, name: str, url: str, recorder: Recorder, every_s: float, clicking: asyncio.Event
    ) -> None:
        super().__init__(name, url, recorder)
        self._url = url
        self._every_s = every_s
        self._clicking = clicking
        self._unsettled = 0  # sent since `settle`, without an error so far

    def settle(self) -> None:
        """All responses have arrived, because the counter is quiet."""
        self._unsettled = 0

    async def _act(self) -> None:
        async for connection in connect(self._url, proxy=None, ping_interval=None):
            sender = asyncio.create_task(self._send(connection))
            try:
                async for frame in connection:
                    message = parse(frame)
                    if isinstance(message, Failure):
                        self._fail(may_have_counted=message.code != "busy")
            except ConnectionClosed:
                pass
            finally:
                sender.cancel()
            while self._unsettled:
                self._fail(may_have_counted=True)

    async def _send(self, connection: ClientConnection) -> None:
        while True:
            await self._clicking.wait()
            self._recorder.record(ClickedWithoutId(self.name))
            self._unsettled += 1
            await connection.send(increment())
            await asyncio.sleep(self._every_s)

    def _fail(self, *, may_have_counted: bool) -> None:
        if self._unsettled:
            self._unsettled -= 1
            self._recorder.record(FailedWithoutId(self.name, may_have_counted))
