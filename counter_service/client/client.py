"""A connection to the counter that reconnects, and clicks that count exactly once."""

import asyncio
import random
from asyncio import FIRST_COMPLETED, Future
from collections.abc import AsyncIterator, Callable
from typing import Final, Literal, Self

from websockets.exceptions import InvalidStatus, WebSocketException

from counter_service.runtime.core.protocol import MESSAGES, OP_ID, ErrorCode

from .connection import opener
from .messages import Failure, Update, parse, rejection
from .op_ids import op_ids
from .requests import Requests, Times
from .sender import send

# The server stores an op id for 24 hours, and would count its click again after that.
MAX_CLICK_SECONDS: Final = 23 * 3600.0

State = Literal["connecting", "open", "waiting", "closed"]


class CounterClient:
    """A client of one counter, which is connected or reconnects while its `async with` lasts.

    Args:
        url: The stack's output WebSocketApiEndpoint. Another raises InvalidURI.
        origin: The Origin header. None sends none, which needs `allowMissingOrigin`.
        token: A token of the stack's issuer.
        times: Other times than the page's.
        max_in_flight: Most clicks without a response. Concurrent clicks conflict on the server.
        on_update: Called with each update, also if its value is not greater than `value`.
        on_state: Called with each new state of the connection.
        on_failure: Called with each error that the server sends.

    Attributes:
        value: The greatest value so far; None before the first.
        state: Of the connection. "waiting" is the delay before the next attempt.
        problem: Why the last request or connection failed; None after the next value.
        connections: Number of connections so far.
    """

    def __init__(
        self,
        url: str,
        *,
        origin: str | None = None,
        token: str | None = None,
        times: Times | None = None,
        max_in_flight: int = 4,
        on_update: Callable[[Update], object] = lambda _: None,
        on_state: Callable[[State], object] = lambda _: None,
        on_failure: Callable[[Failure], object] = lambda _: None,
    ) -> None:
        self.value: int | None = None
        self.state: State = "closed"
        self.problem: Exception | None = None
        self.connections = 0
        self._connect = opener(url, origin=origin, token=token)
        self._times, self._on_update, self._on_state = times or Times(), on_update, on_state
        self._on_failure = on_failure
        self._requests = Requests(self._times)
        self._op_ids = op_ids()
        self._slots = asyncio.Semaphore(max_in_flight)
        self._clicks: dict[str, Future[None]] = {}  # by op id, until they are acknowledged
        self._changed = asyncio.Event()  # the requests that are due, or when

    async def __aenter__(self) -> Self:
        self._next_update: Future[None] = asyncio.get_running_loop().create_future()
        self._task = asyncio.create_task(self._stay_connected())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.result()

    @property
    def round_trip(self) -> float | None:
        """Seconds from the last request to its response; None before the first."""
        return self._requests.round_trip

    @property
    def sent(self) -> int:
        """Number of messages that were sent so far, those that were sent again included."""
        return self._requests.sent

    async def increment(self, op_id: str | None = None) -> None:
        """Add one. Returns when the server has acknowledged it, so `value` contains it.

        Args:
            op_id: The idempotency key, if an earlier process may have sent this click already.

        Raises:
            Failure: The server will never count it, or the client was rejected or closed.
            TimeoutError: The client was disconnected until the click was too old to be sent.
        """
        op_id = op_id or next(self._op_ids)
        if not OP_ID.fullmatch(op_id) or op_id in self._clicks:
            raise ValueError(f'"{op_id}" is malformed or pending. {MESSAGES[ErrorCode.BAD_ID]}')
        async with asyncio.timeout(MAX_CLICK_SECONDS), self._slots:
            click = self._clicks[op_id] = asyncio.get_running_loop().create_future()
            self._requests.add(op_id, _now())
            self._changed.set()
            try:
                await self._wait_for(click)
            finally:
                self._clicks.pop(op_id, None)
                self._requests.remove(op_id)

    async def updates(self) -> AsyncIterator[int]:
        """Each greater value, beginning with the current one. A slow reader skips values.

        Raises Failure if the client was rejected or closed.
        """
        shown = -1
        while True:
            while self.value is None or self.value <= shown:
                await self._wait_for(self._next_update)
            shown = self.value
            yield shown

    async def _wait_for(self, future: Future[None]) -> None:
        """Wait for the future. Raises what ended the client, if that is first."""
        await asyncio.wait((future, self._task), return_when=FIRST_COMPLETED)
        if not future.done() and self._task.cancelled():
            raise Failure("closed", "The client was closed.")
        (future if future.done() else self._task).result()

    async def _stay_connected(self) -> None:
        failures = 0
        try:
            while True:
                self._enter("connecting")
                began_at = _now()
                try:
                    await self._use_connection()
                except InvalidStatus as problem:
                    self.problem = rejection(problem.response.status_code) or problem
                    # A rejection is final unless an earlier handshake proved the configuration.
                    if isinstance(self.problem, Failure) and not self.connections:
                        raise self.problem from None
                except (OSError, WebSocketException) as problem:
                    self.problem = problem
                    if isinstance(problem, TimeoutError):  # the handshake timed out
                        self._requests.died()
                lasted = self._requests.alive_at - began_at
                failures = 0 if lasted >= 3 * self._times.reconnect else failures + 1
                self._enter("waiting")
                mean = self._times.reconnect * min(2.0**failures / 2, 10)
                await asyncio.sleep(mean * random.uniform(0.5, 1.5))
        finally:
            self._enter("closed")

    async def _use_connection(self) -> None:
        """Connect, send and receive. Raises OSError or WebSocketException at the end."""
        async with self._connect(open_timeout=2 * self._requests.patience) as connection:
            self.connections += 1
            self._requests.connected(self._clicks, _now())
            self._enter("open")
            sender = asyncio.create_task(send(connection, self._requests, self._changed))
            try:
                while True:
                    self._receive(parse(await connection.recv()))
            finally:
                sender.cancel()
                await connection.close()

    def _receive(self, message: Update | Failure) -> None:
        self._requests.settle(message, _now())
        self._changed.set()
        if isinstance(message, Failure):
            self.problem = message
            self._on_failure(message)
            if message.is_final and (click := self._clicks.pop(message.op_id or "", None)):
                click.set_exception(message)
            return
        self.problem = None
        if message.value is not None:
            self.value = max(message.value, self.value or 0)
        if click := self._clicks.pop(message.op_id or "", None):
            click.set_result(None)
        self._on_update(message)
        self._next_update.set_result(None)
        self._next_update = asyncio.get_running_loop().create_future()

    def _enter(self, state: State) -> None:
        self.state = state
        self._on_state(state)


def _now() -> float:
    return asyncio.get_running_loop().time()
