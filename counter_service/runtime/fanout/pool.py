"""A pool of open connections to one host, which are kept from one fan-out to the next."""

import socket
import ssl
import time
from selectors import DefaultSelector
from typing import Any, Final

from .connection import HttpConnection

# API Gateway closes a connection that is idle for 60 s. The packet that says so may be lost,
# because the function is frozen between invocations.
MAX_IDLE_SECONDS: Final = 50.0


class ConnectionPool:
    """The open connections to one host.

    Attributes:
        idle: Connections that can carry a request now.
        selector: Watches every connection of the pool.
    """

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        self.selector = DefaultSelector()
        self.idle: list[HttpConnection] = []
        self._host = host
        self._port = port
        self._context = context
        self._addresses: list[Any] = []
        self._opened = 0
        self._session: ssl.SSLSession | None = None

    def refresh(self) -> None:
        """Drop connections that ended while the function was frozen, and the cached DNS result."""
        self._addresses = []
        self.drop_unproven(time.monotonic() - MAX_IDLE_SECONDS)
        # An idle connection only becomes readable when the peer closes it.
        for key, _ in self.selector.select(0):
            self.drop(key.data)

    def take(self, must_be_new: bool) -> HttpConnection:
        """An idle connection, or a new one if none is idle or if it must be new.

        Raises OSError if the host's name does not resolve.
        """
        if self.idle and not must_be_new:
            return self.idle.pop()
        if not self._addresses:
            self._addresses = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        # Spread the connections over all addresses of the host.
        self._opened += 1
        address = self._addresses[self._opened % len(self._addresses)]
        connection = HttpConnection(address, self._context, self._host, self._session)
        self.selector.register(connection, connection.wants, connection)
        return connection

    def keep(self, connection: HttpConnection, now: float) -> None:
        """Make a connection idle, because its response is complete."""
        connection.responded_at = now
        self.idle.append(connection)
        if connection.responses == 1:
            # Resuming the session halves the handshake of new connections.
            self._session = connection.new_session or self._session

    def drop_unproven(self, since: float) -> None:
        """Drop idle connections without a response after this moment of time.monotonic()."""
        for connection in [each for each in self.idle if each.responded_at < since]:
            self.drop(connection)

    def drop(self, connection: HttpConnection) -> None:
        """Close a connection, idle or not, and remove it from the pool."""
        if connection in self.idle:
            self.idle.remove(connection)
        self.selector.unregister(connection)
        connection.close()

    def close(self) -> None:
        """Close the idle connections and the selector."""
        for connection in self.idle:
            connection.close()
        self.selector.close()
