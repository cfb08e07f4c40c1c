"""Forwards the site's WebSockets to the emulator, with the limits of API Gateway."""

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from itertools import accumulate
from typing import Final
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from counter_service.runtime.core.access import subprotocol_for
from counter_service.runtime.core.events import Connect

from .files import text_response
from .hosts import is_same_origin

# API Gateway's limits: docs.aws.amazon.com/apigateway/latest/developerguide/
# apigateway-execution-service-websocket-limits-table.html
MAX_URL: Final = 4_096  # characters
MAX_MESSAGE: Final = 128 * 1024  # bytes
MAX_FRAME: Final = 32 * 1024  # bytes
IDLE_SECONDS: Final = 10 * 60.0
LIFETIME_SECONDS: Final = 2 * 60 * 60.0
HANDSHAKE_SECONDS: Final = 30.0  # API Gateway waits at most 29 s for the function
CLOSE_SECONDS: Final = 1.0

# MiniStack closes a connection whose JSON has about 1,000 levels. Messages with more than MAX_DEPTH
# are forwarded as invalid JSON, which the function rejects.
MAX_DEPTH: Final = 500
NOT_JSON: Final = "\ufeff"  # a byte order mark, which no JSON text may start with

# Headers of one connection, which are not forwarded.
_OWN_HEADERS: Final = ("Host", "Connection", "Upgrade", "Origin", "Sec-WebSocket-Key")
_OWN_TERMS: Final = ("Sec-WebSocket-Version", "Sec-WebSocket-Extensions")


class Forwarding:
    """Forwards the WebSockets of one site.

    Args:
        target: URL of the stage at the emulator.
        origin: The origin that the emulator gets for the site's own pages, whatever host and port
            the browser used to reach the site.
    """

    def __init__(self, target: str, origin: str) -> None:
        self._target = target
        self._origin = origin
        self._servers: dict[ServerConnection, ClientConnection] = {}

    @property
    def path(self) -> str:
        """The stage, as in a URL of API Gateway."""
        return f"/{self._target.rpartition('/')[2]}"

    async def open(self, client: ServerConnection, request: Request) -> Response | None:
        """Connect to the emulator. Returns a response that rejects the handshake, or None."""
        url = urlsplit(request.path)
        if len(request.path) > MAX_URL:
            return text_response(HTTPStatus.REQUEST_URI_TOO_LONG, "The URL is too long.")
        if url.path != self.path:
            return text_response(HTTPStatus.FORBIDDEN, f"The WebSocket is at {self.path}.")
        try:
            # Without limits and pings, because the site's server has the limits.
            server = await connect(
                f"{self._target}?{url.query}",
                additional_headers=self._headers(request),
                user_agent_header=None,
                compression=None,
                proxy=None,
                max_size=None,
                ping_interval=None,
                open_timeout=HANDSHAKE_SECONDS,
                close_timeout=CLOSE_SECONDS,
            )
        except InvalidStatus as rejected:
            return text_response(HTTPStatus(rejected.response.status_code), "Rejected.")
        except (OSError, TimeoutError, InvalidHandshake):
            return text_response(HTTPStatus.BAD_GATEWAY, "The emulator does not respond.")
        self._servers[client] = server
        # The task of the client's connection ends in any case, even if the handshake fails.
        if task := asyncio.current_task():
            task.add_done_callback(lambda _: self._servers.pop(client).transport.abort())
        return None

    async def forward(self, client: ServerConnection) -> None:
        """Forward messages in both directions until one side closes, and close the other."""
        server = self._servers[client]
        lifetime = _Lifetime()
        directions = [
            asyncio.create_task(_forward_requests(client, server, lifetime)),
            asyncio.create_task(_forward_responses(server, client, lifetime)),
        ]
        try:
            async with lifetime.deadline:
                await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
        except TimeoutError:
            await client.close(CloseCode.GOING_AWAY, "Going away")
        finally:
            for direction in directions:
                direction.cancel()
            await asyncio.gather(*directions, return_exceptions=True)
        await _close_like(client, server)
        await _close_like(server, client)

    def _headers(self, request: Request) -> Headers:
        headers = request.headers.copy()
        hosts, origins = headers.get_all("Host"), headers.get_all("Origin")
        for name in (*_OWN_HEADERS, *_OWN_TERMS):
            if name in headers:
                del headers[name]
        for origin in origins:
            own = any(is_same_origin(origin, host) for host in hosts)
            headers["Origin"] = self._origin if own else origin
        return headers


class _Lifetime:
    """The time at which API Gateway closes a connection.

    That is IDLE_SECONDS after its last message, or LIFETIME_SECONDS after its start.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = self._loop.time() + LIFETIME_SECONDS
        self.deadline = asyncio.timeout(IDLE_SECONDS)

    def extend(self) -> None:
        if not self.deadline.expired():  # asyncio refuses to reschedule an expired timeout
            self.deadline.reschedule(min(self._loop.time() + IDLE_SECONDS, self._end))


async def _forward_requests(
    client: ServerConnection, server: ClientConnection, lifetime: _Lifetime
) -> None:
    with suppress(ConnectionClosed):
        async for message in client:
            lifetime.extend()
            if isinstance(message, bytes):
                await client.close(CloseCode.UNSUPPORTED_DATA, "Binary frames are not supported")
                return
            await server.send(NOT_JSON + message if _depth(message) > MAX_DEPTH else message)


async def _forward_responses(server: Connection, client: Connection, lifetime: _Lifetime) -> None:
    with suppress(ConnectionClosed):
        async for message in server:
            lifetime.extend()
            await client.send(message)


async def _close_like(closed: Connection, other: Connection) -> None:
    """Close `other` with the code of `closed`, or cut it if `closed` was cut."""
    code = closed.close_code
    if code is None or other.close_code is not None:
        return
    if code == CloseCode.ABNORMAL_CLOSURE:
        other.transport.abort()
    elif code == CloseCode.NO_STATUS_RCVD:
        await other.close()
    else:
        await other.close(code, closed.close_reason or "")


def select_subprotocol(_: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """The subprotocol that the function would name. MiniStack drops its response's headers."""
    named = subprotocol_for(Connect("", 0, subprotocols=tuple(offered)))
    return Subprotocol(named) if named else None


def _depth(message: str) -> int:
    """How deeply the arrays and objects of a JSON text are nested."""
    if message.count("[") + message.count("{") <= MAX_DEPTH:
        return 0
    brackets = re.findall(r"[\[\]{}]", re.sub(r'"(?:[^"\\]|\\.)*"', "", message))
    return max(accumulate(1 if each in "[{" else -1 for each in brackets), default=0)
