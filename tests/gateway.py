"""API Gateway on loopback, in front of the real service with its tables in memory."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from http import HTTPStatus
from random import random
from types import TracebackType
from typing import Self
from uuid import UUID

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosedError
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from counter_service.runtime.core.access import Access
from counter_service.runtime.core.assembly import assemble
from counter_service.runtime.core.events import Connect, Disconnect, Event, Message
from counter_service.runtime.core.origins import OriginPolicy
from counter_service.runtime.core.outcome import Outcome
from counter_service.runtime.core.ports import Clock, Delivery, Outbox, PostResult
from simulation.fakes import InMemoryConnectionStore, InMemoryCounterStore, fake_ports

TIMEOUT_MS = 20_000


class _Clock(Clock):
    def now_s(self) -> int:
        return int(time.time())

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def sleep_until_ms(self, moment_ms: int) -> None:
        time.sleep(max(0, moment_ms - self.now_ms()) / 1000)


class Sockets(Outbox):
    """The @connections API.

    Attributes:
        by_id: The open connections.
        is_forbidden: Whether posts end with 403, as without the permission ManageConnections.
        loses: Whether a message to a connection is accepted and then lost.
    """

    def __init__(self) -> None:
        self.by_id: dict[str, ServerConnection] = {}
        self.is_forbidden = False
        self.loses: Callable[[str, str], bool] = lambda _connection_id, _message: False

    def post(
        self, message: str, audience: Iterable[str], until_ms: float = float("inf")
    ) -> PostResult:
        return PostResult({each: self._post(each, message) for each in audience})

    def close_connection(self, connection_id: str) -> None:
        if connection := self.by_id.get(connection_id):
            connection.transport.abort()

    def _post(self, connection_id: str, message: str) -> Delivery:
        if self.is_forbidden:
            return Delivery.FORBIDDEN
        if connection_id not in self.by_id:
            return Delivery.GONE
        if not self.loses(connection_id, message):
            broadcast([self.by_id[connection_id]], message)
        return Delivery.DELIVERED


class Gateway:
    """A WebSocket API that invokes the service once for each event, in a thread of its own.

    Attributes:
        url: URL of the stage.
        counter: The counter's table. It may fail on demand.
        sockets: The open connections, and how posts to them end.
        may_invoke: Whether the API has the permission to invoke the function.
        handshakes: Headers of the handshakes so far, in lower case.
        frames: Text of the frames from clients so far. A binary frame is None.
        close_codes: Close codes of the connections that clients have closed.
    """

    def __init__(self, access: Access | None = None, *, messages_per_second: int = 0) -> None:
        self.counter = InMemoryCounterStore()
        self.sockets = Sockets()
        self.may_invoke = True
        self.handshakes: list[dict[str, str]] = []
        self.frames: list[str | None] = []
        self.close_codes: list[int] = []
        self._clock = _Clock()
        # The subprotocol that the function's response named, by connection.
        self._subprotocols: dict[UUID, Subprotocol | None] = {}
        self._service = assemble(
            replace(
                fake_ports(),
                counter=self.counter,
                connections=InMemoryConnectionStore(),
                outbox=self.sockets,
                clock=self._clock,
                random=random,
            ),
            access or Access(OriginPolicy(allow_missing=True)),
            messages_per_second=messages_per_second,
        )
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Close all connections, and refuse new ones."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with serve(
            self._receive,
            "127.0.0.1",
            0,
            process_request=self._connect,
            select_subprotocol=lambda connection, _: self._subprotocols[connection.id],
            compression=None,
        ) as server:
            port = next(iter(server.sockets)).getsockname()[1]
            self.url = f"ws://127.0.0.1:{port}/prod"
            self._started.set()
            await self._stop.wait()

    def _connect(self, connection: ServerConnection, request: Request) -> Response | None:
        headers = {name.lower(): value for name, value in request.headers.raw_items()}
        self.handshakes.append(headers)
        offers = headers.get("sec-websocket-protocol", "").split(",")
        outcome = self._invoke(
            Connect(
                str(connection.id),
                self._clock.now_s(),
                origin=headers.get("origin"),
                subprotocols=tuple(each.strip() for each in offers if each.strip()),
            )
        )
        if outcome is None or outcome.status != HTTPStatus.OK:
            status = outcome.status if outcome else HTTPStatus.INTERNAL_SERVER_ERROR
            return connection.respond(HTTPStatus(status), "")
        named = outcome.subprotocol
        self._subprotocols[connection.id] = Subprotocol(named) if named else None
        return None

    async def _receive(self, connection: ServerConnection) -> None:
        connection_id, connected_at = str(connection.id), self._clock.now_s()
        self.sockets.by_id[connection_id] = connection
        try:
            async for frame in connection:
                text = frame if isinstance(frame, str) else None
                self.frames.append(text)
                if self._invoke(Message(connection_id, connected_at, text)) is None:
                    # As API Gateway reports a function that failed or could not be invoked.
                    failure = {"message": "Internal server error", "connectionId": connection_id}
                    await connection.send(json.dumps(failure))
        except ConnectionClosedError:
            pass
        finally:
            del self.sockets.by_id[connection_id]
            self.close_codes.append(connection.close_code or 0)
            self._invoke(Disconnect(connection_id))

    def _invoke(self, event: Event) -> Outcome | None:
        """The outcome; None if the function failed."""
        if not self.may_invoke:
            return None
        return self._service.handle(event, self._clock.now_ms() + TIMEOUT_MS)
