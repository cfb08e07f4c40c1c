"""One persistent HTTP/1.1 connection that never blocks and carries one request at a time."""

import socket
import ssl
from collections.abc import Callable
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any, Final

from .http_responses import Response, ResponseParser

# The size of a TLS record, so that one read returns a whole record.
_READ_BYTES: Final = 16 * 1024

_WOULD_BLOCK: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class ConnectionLost(OSError):
    """The peer closed the connection before its response was complete."""


class HttpConnection:
    """A persistent connection to one address. Its first calls of `step` open it.

    A connection that raised OSError or MalformedResponse can only be closed.

    Args:
        address: An entry of `socket.getaddrinfo`.
        context: For TLS; None for plain HTTP.
        host: The name that the certificate must have.
        session: A TLS session to resume.

    Attributes:
        wants: Events that a selector should wait for before the next `step`.
        responses: Number of responses so far.
        responded_at: When the last response was complete, in seconds of time.monotonic(). The pool
            sets it.
    """

    __slots__ = (
        "_context",
        "_host",
        "_is_open",
        "_parser",
        "_session",
        "_sock",
        "_step",
        "_unsent",
        "responded_at",
        "responses",
        "wants",
    )

    def __init__(
        self,
        address: Any,
        context: ssl.SSLContext | None,
        host: str,
        session: ssl.SSLSession | None = None,
    ) -> None:
        family, kind, protocol, _, target = address
        self._context = context
        self._host = host
        self._session = session
        self._unsent = b""
        self._is_open = False
        self._parser = ResponseParser()
        self._sock = socket.socket(family, kind, protocol)
        self._sock.setblocking(False)
        # A request must not wait for the acknowledgement of the one before (Nagle's algorithm).
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._step: Callable[[], Response | None] = self._finish_connecting
        self.responses = 0
        self.responded_at = 0.0
        self.wants = EVENT_WRITE
        self._sock.connect_ex(target)  # returns at once; the first step reads the result

    def fileno(self) -> int:
        """The socket's file descriptor, by which a selector registers the connection."""
        return self._sock.fileno()

    def close(self) -> None:
        """Close the socket without sending the rest of a request."""
        self._sock.close()

    @property
    def response_started(self) -> bool:
        """Whether a part of the pending response has arrived."""
        return self._parser.started

    @property
    def new_session(self) -> ssl.SSLSession | None:
        """TLS session for other connections to resume; available after the first response.

        None if this connection was itself resumed: copying a session costs as much as eight posts.
        """
        tls = self._sock
        return tls.session if isinstance(tls, ssl.SSLSocket) and not tls.session_reused else None

    def send(self, request: bytes) -> None:
        """Start a request. The response to the previous one must be complete."""
        self._unsent = request
        if self._is_open:
            self._flush()

    def step(self) -> Response | None:
        """Connect, send and receive as far as possible without blocking.

        Returns the response once it is complete. Raises OSError or MalformedResponse.
        """
        return self._step()

    def _finish_connecting(self) -> Response | None:
        problem = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if problem:
            raise OSError(problem, "the connection could not be opened")
        if self._context is None:
            return self._established()
        tls = self._context.wrap_socket(
            self._sock,
            server_hostname=self._host,
            do_handshake_on_connect=False,
            session=self._session,
        )
        self._sock = tls
        self._step = partial(self._handshake, tls)
        return self._handshake(tls)

    def _handshake(self, tls: ssl.SSLSocket) -> Response | None:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            self.wants = EVENT_READ
            return None
        except ssl.SSLWantWriteError:
            self.wants = EVENT_WRITE
            return None
        return self._established()

    def _established(self) -> Response | None:
        self._is_open = True
        self._step = self._exchange
        self._flush()
        return None

    def _exchange(self) -> Response | None:
        if self._unsent:
            self._flush()
        while True:
            try:
                data = self._sock.recv(_READ_BYTES)
            except _WOULD_BLOCK:
                return None
            response = self._parser.feed(data) if data else self._parser.end()
            if response:
                self.responses += 1
                return response
            if not data:
                raise ConnectionLost("the connection closed before the response was complete")

    def _flush(self) -> None:
        try:
            sent = self._sock.send(self._unsent)
        except _WOULD_BLOCK:
            sent = 0
        self._unsent = self._unsent[sent:]
        self.wants = EVENT_READ | EVENT_WRITE if self._unsent else EVENT_READ
