"""WebSocket clients that click and listen, reconnect, and record what they see.

They follow the page's rules: a click is retried until it is acknowledged, a connection without a
response is replaced, and the greatest value is shown.
"""

import asyncio
import json
import random
import secrets
import time
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from .events import Clicked, ClickedWithoutId, FailedWithoutId
from .recorder import Recorder

GET_CURRENT = '{"action":"get-current"}'
INCREMENT = '{"action":"increment"}'
# The page sends a heartbeat a minute after the last value.
HEARTBEAT_SECONDS = 8.0
# A connection is dead when a request has no response for so long, as on the page.
RESPONSE_SECONDS = 5.0
RETRY_SECONDS = 0.5  # after an error, and the shortest delay before a reconnect
MAX_RECONNECT_SECONDS = 4.0
TICK_SECONDS = 0.25  # at least so often, a client looks whether it has something to send


def parse(frame: str | bytes) -> dict[str, Any]:
    """A message. Empty for what is none, such as the emulator's text when the function crashed."""
    try:
        message = json.loads(frame)
    except ValueError:
        return {}
    return message if isinstance(message, dict) else {}


class Listener:
    """A client that shows the counter.

    Attributes:
        value: What it shows; 0 before the first value.
        connected: Whether its current connection has received a value.
        reconnects: Number of connections after the first.
    """

    def __init__(
        self,
        name: str,
        url: str,
        recorder: Recorder,
        *,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        response_seconds: float = RESPONSE_SECONDS,
        tick_seconds: float = TICK_SECONDS,
    ) -> None:
        self.name = name
        self.value = 0
        self.connected = False
        self.reconnects = -1
        self._url = url
        self._recorder = recorder
        self._heartbeat_seconds = heartbeat_seconds
        self._response_seconds = response_seconds
        self._tick_seconds = tick_seconds
        self._failures = 0
        self._asked_at: float | None = None
        self._received_at = 0.0

    @property
    def idle(self) -> bool:
        """Whether the client is connected and waits for no response."""
        return self.connected and self._asked_at is None

    async def run(self) -> None:
        """Stay connected until the task is cancelled."""
        while True:
            with suppress(OSError, WebSocketException, TimeoutError):
                number = self._recorder.open(self.name)
                async with connect(
                    self._url,
                    proxy=None,
                    compression=None,
                    ping_interval=None,
                    open_timeout=self._response_seconds * 2,
                    close_timeout=0.5,
                ) as connection:
                    self.reconnects += 1
                    await self._use(connection, number)
            self.connected = False
            self._disconnected()
            self._failures += 1
            delay = min(RETRY_SECONDS * 2**self._failures, MAX_RECONNECT_SECONDS)
            await asyncio.sleep(delay * random.uniform(0.5, 1.5))

    async def _use(self, connection: ClientConnection, number: int) -> None:
        """Send and receive until the connection is dead."""
        await self._ask(connection)
        while not self._is_dead():
            await self._send_clicks(connection)
            if self._heartbeat_is_due():
                await self._ask(connection)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._tick_seconds):
                    self._receive(number, parse(await connection.recv()))

    def _heartbeat_is_due(self) -> bool:
        return (
            self._asked_at is None
            and time.monotonic() - self._received_at >= self._heartbeat_seconds
        )

    async def _ask(self, connection: ClientConnection) -> None:
        self._asked_at = time.monotonic()
        await connection.send(GET_CURRENT)

    def _is_dead(self) -> bool:
        return self._is_late(self._asked_at)

    def _is_late(self, sent_at: float | None) -> bool:
        return sent_at is not None and time.monotonic() - sent_at > self._response_seconds

    def _receive(self, number: int, message: dict[str, Any]) -> None:
        self._asked_at = None
        self._received_at = time.monotonic()
        if message.get("type") != "counter-update":
            self._failed(message)
            return
        value: int = message["value"]
        self._recorder.receive(number, value)
        self.connected = True
        self._failures = 0
        if "id" in message:
            self._acknowledged(message["id"], value)
        if value > self.value:
            self.value = value
            self._recorder.display(self.name, value)

    async def _send_clicks(self, connection: ClientConnection) -> None:
        """A listener has none."""

    def _acknowledged(self, op_id: str, value: int) -> None:
        """A listener has no clicks."""

    def _failed(self, message: dict[str, Any]) -> None:
        """The server, or API Gateway, responded with an error: the heartbeat is repeated."""
        self._received_at = time.monotonic() - self._heartbeat_seconds + RETRY_SECONDS

    def _disconnected(self) -> None:
        self._asked_at = None


class Clicker(Listener):
    """A client that has `window` clicks pending for as long as `clicking` is set."""

    def __init__(
        self, name: str, url: str, recorder: Recorder, window: int, clicking: asyncio.Event
    ) -> None:
        super().__init__(name, url, recorder)
        self._window = window
        self._clicking = clicking
        self._session = secrets.token_urlsafe(12)
        self._sequence = 0
        # When each pending click was sent on this connection, or will be retried.
        self._sent: dict[str, float] = {}
        self._due: dict[str, float] = {}

    @property
    def pending(self) -> int:
        return len(self._sent) + len(self._due)

    def click(self) -> None:
        self._sequence += 1
        op_id = f"{self._session}:{self._sequence}"
        self._recorder.record(Clicked(self.name, op_id))
        self._due[op_id] = 0.0

    async def _send_clicks(self, connection: ClientConnection) -> None:
        while self._clicking.is_set() and self.pending < self._window:
            self.click()
        now = time.monotonic()
        for op_id in [op_id for op_id, at in self._due.items() if at <= now]:
            del self._due[op_id]
            self._sent[op_id] = now
            await connection.send(json.dumps({"action": "increment", "id": op_id}))

    @property
    def idle(self) -> bool:
        return super().idle and not self.pending

    def _is_dead(self) -> bool:
        return super()._is_dead() or any(map(self._is_late, self._sent.values()))

    def _acknowledged(self, op_id: str, value: int) -> None:
        # A click that was sent twice is acknowledged twice.
        if self._sent.pop(op_id, None) is not None or self._due.pop(op_id, None) is not None:
            self._recorder.acknowledge(self.name, op_id, value)

    def _failed(self, message: dict[str, Any]) -> None:
        super()._failed(message)
        op_id = message.get("id")
        for failed in [op_id] if op_id else list(self._sent):
            if self._sent.pop(failed, None) is not None:
                self._due[failed] = time.monotonic() + RETRY_SECONDS

    def _disconnected(self) -> None:
        super()._disconnected()
        self._due = dict.fromkeys([*self._sent, *self._due], 0.0)
        self._sent.clear()


class WithoutId(Listener):
    """A client that increments without op ids, on a connection without faults.

    Every increment counts unless the response is an error, so the number that counted is known.
    """

    def __init__(
        self, name: str, url: str, recorder: Recorder, every_s: float, clicking: asyncio.Event
    ) -> None:
        super().__init__(name, url, recorder, response_seconds=60)
        self._every_s = every_s
        self._clicking = clicking
        self._next = 0.0
        self._unsettled = 0  # sent since `settle`, without an error so far

    def settle(self) -> None:
        """All responses have arrived, because the counter is quiet."""
        self._unsettled = 0

    async def _send_clicks(self, connection: ClientConnection) -> None:
        if self._clicking.is_set() and time.monotonic() >= self._next:
            self._next = time.monotonic() + self._every_s
            self._recorder.record(ClickedWithoutId(self.name))
            self._unsettled += 1
            await connection.send(INCREMENT)

    def _failed(self, message: dict[str, Any]) -> None:
        super()._failed(message)
        # Other errors may respond to a heartbeat, or the function ended after it had counted.
        self._fail(may_have_counted=message.get("code") != "busy")

    def _disconnected(self) -> None:
        super()._disconnected()
        while self._unsettled:
            self._fail(may_have_counted=True)

    def _fail(self, *, may_have_counted: bool) -> None:
        if self._unsettled:
            self._unsettled -= 1
            self._recorder.record(FailedWithoutId(self.name, may_have_counted))
