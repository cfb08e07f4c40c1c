"""The handshake of a connection, and a connection that neither reconnects nor retries."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Origin, Subprotocol
from websockets.uri import parse_uri

from .messages import Failure, Update, parse

LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


class Rejected(Exception):
    """The server responded to the handshake with an HTTP status, which is `status`."""

    def __init__(self, status: int) -> None:
        super().__init__(f"The server responded to the handshake with {status}.")
        self.status = status


class Connection:
    """A connection that passes on every message. `opened` makes one."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection

    async def send(self, request: str) -> None:
        """Send a request. Raises Failure if the connection is closed."""
        try:
            await self._connection.send(request)
        except ConnectionClosed as closed:
            raise _closed(closed) from None

    async def receive(self) -> Update | Failure:
        """The next message. Raises Failure if the connection is closed."""
        try:
            return parse(await self._connection.recv())
        except ConnectionClosed as closed:
            raise _closed(closed) from None


def opener(url: str, *, origin: str | None = None, token: str | None = None) -> partial[connect]:
    """How to connect to the counter, for a call with the remaining arguments of `connect`.

    Args:
        url: The stack's output WebSocketApiEndpoint. Another raises InvalidURI.
        origin: The Origin header. None sends none.
        token: A token of the stack's issuer.
    """
    offers = ["counter", f"bearer.{token}"] if token else []
    return partial(
        connect,
        url,
        origin=Origin(origin) if origin else None,
        subprotocols=[Subprotocol(offer) for offer in offers] or None,
        proxy=None if parse_uri(url).host in LOOPBACK else True,
        compression=None,
        ping_interval=None,  # the heartbeat is a message
        close_timeout=1,
    )


@asynccontextmanager
async def opened(
    url: str, *, origin: str | None = None, token: str | None = None
) -> AsyncIterator[Connection]:
    """Open one connection, and close it at the end. The caller limits the time.

    Args:
        url: The stack's output WebSocketApiEndpoint. Another raises InvalidURI.
        origin: The Origin header. None sends none.
        token: A token of the stack's issuer.

    Raises:
        Rejected: The server responded with another status than that of an open connection.
        OSError: There was no such response.
    """
    connecting = opener(url, origin=origin, token=token)(open_timeout=None)
    try:
        connection = await connecting
    except InvalidStatus as rejected:
        raise Rejected(rejected.response.status_code) from None
    except WebSocketException as problem:
        raise ConnectionError(str(problem)) from problem
    async with connection:
        yield Connection(connection)


def _closed(closed: ConnectionClosed) -> Failure:
    code = closed.rcvd.code if closed.rcvd else 1006
    return Failure("closed", f"The server closed the connection ({code}).")
