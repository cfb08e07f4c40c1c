"""WebSocket clients that click and listen, and record what they see."""

import asyncio

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from counter_service.client import CounterClient, Failure, Times, Update, op_ids
from counter_service.client.messages import increment, parse
from counter_service.history.events import ClickedWithoutId, FailedWithoutId
from counter_service.history.recorder import Observer, Recorder

HEARTBEAT_SECONDS = 8.0  # the page's is a minute
RESPONSE_SECONDS = 5.0
TIMES = Times(reconnect=0.5, response=RESPONSE_SECONDS, heartbeat=HEARTBEAT_SECONDS)


class Listener:
    """A client that shows the counter."""

    def __init__(
        self,
        name: str,
        url: str,
        recorder: Recorder,
        *,
        times: Times = TIMES,
        max_in_flight: int = 1,
    ) -> None:
        self._recorder = recorder
        self._observer = Observer(name, recorder)
        self._client = CounterClient(
            url,
            times=times,
            max_in_flight=max_in_flight,
            on_update=self._on_update,
            on_state=self._observer.enter,
        )

    @property
    def name(self) -> str:
        return self._observer.name

    @property
    def value(self) -> int:
        """What it shows; 0 before the first value."""
        return self._observer.value

    @property
    def pending(self) -> set[str]:
        """Op ids of the clicks without an acknowledgement."""
        return self._observer.pending

    @property
    def idle(self) -> bool:
        """Whether it is connected, has its connection's first value, and no click is pending."""
        return self._observer.has_value and not self.pending

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

    def _on_update(self, update: Update) -> None:
        assert update.value is not None
        self._observer.receive(update.value, update.op_id)


class Clicker(Listener):
    """A client that has `window` clicks pending while `clicking` is set."""

    def __init__(
        self, name: str, url: str, recorder: Recorder, window: int, clicking: asyncio.Event
    ) -> None:
        super().__init__(name, url, recorder, max_in_flight=max(1, window))
        self._window = window
        self._clicking = clicking
        self._op_ids = op_ids()

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
        op_id = next(self._op_ids)
        self._observer.click(op_id)
        return op_id


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
