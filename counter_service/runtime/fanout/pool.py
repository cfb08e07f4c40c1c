"""Open connections to one host, kept from one fan-out to the next."""

import socket
import ssl
from selectors import DefaultSelector
from typing import Any

from .connection import HttpConnection


class ConnectionPool:
    """`idle` are the channels that can carry a request; `selector` knows all of them."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None) -> None:
        self.selector = DefaultSelector()
        self.idle: list[HttpConnection] = []
        self._host = host
        self._port = port
        self._context = context
        self._addresses: list[Any] = []
        self._dialled = 0
        self._session: ssl.SSLSession | None = None

    def refresh(self) -> None:
        """Forget what died while nobody looked, and where the host's name led to."""
        self._addresses = []
        # An idle connection has nothing to say: what can be read is its end. The function may
        # have been frozen for minutes since it was last used.
        for key, _ in self.selector.select(0):
            self.drop(key.data)

    def take(self, *, new: bool = False) -> HttpConnection:
        """An idle channel if it need not be new and there is one, or else a new one.

        Raises OSError when the name does not resolve.
        """
        if self.idle and not new:
            return self.idle.pop()
        if not self._addresses:
            self._addresses = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        self._dialled += 1
        address = self._addresses[self._dialled % len(self._addresses)]
        channel = HttpConnection(address, self._context, self._host, self._session)
        self.selector.register(channel, channel.wants, channel)
        return channel

    def keep(self, channel: HttpConnection) -> None:
        """It has its answer, and can carry another request."""
        self.idle.append(channel)
        if channel.answered == 1:
            # A server that resumes it spares a new channel half of the handshake.
            self._session = channel.new_session or self._session

    def drop(self, channel: HttpConnection) -> None:
        if channel in self.idle:
            self.idle.remove(channel)
        self.selector.unregister(channel)
        channel.close()

    def close(self) -> None:
        for channel in self.idle:
            channel.close()
        self.idle.clear()
        self.selector.close()
