"""One persistent HTTP/1.1 connection that never blocks: a request out, its answer back, again."""

import socket
import ssl
from collections.abc import Callable
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any, Final

from .http_responses import Answer, ResponseParser

# As large as a TLS record, so that one read takes what one record brings.
_READ_BYTES: Final = 16 * 1024

_WOULD_BLOCK: Final = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class ConnectionLost(OSError):
    """The far side closed before its answer was whole."""


class HttpConnection:
    """`wants` is what a selector should wait for. OSError and MalformedResponse end a channel."""

    __slots__ = (
        "_context",
        "_host",
        "_open",
        "_out",
        "_reader",
        "_resumed",
        "_sock",
        "_step",
        "answered",
        "wants",
    )

    def __init__(
        self,
        address: Any,
        context: ssl.SSLContext | None,
        host: str,
        session: ssl.SSLSession | None = None,
    ) -> None:
        family, kind, protocol, _, where = address
        self._context = context
        self._host = host
        self._resumed = session
        self._out = b""
        self._open = False
        self._reader = ResponseParser()
        self._sock = socket.socket(family, kind, protocol)
        self._sock.setblocking(False)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._step: Callable[[], Answer | None] = self._connected
        self.answered = 0  # requests, so far
        self.wants = EVENT_WRITE
        self._sock.connect_ex(where)

    def fileno(self) -> int:
        return self._sock.fileno()

    def close(self) -> None:
        self._sock.close()

    @property
    def answer_began(self) -> bool:
        return self._reader.started

    @property
    def new_session(self) -> ssl.SSLSession | None:
        """What another channel may resume, once this one has had an answer. None if it resumes
        one itself, for to copy a session takes as long as eight posts."""
        tls = self._sock
        return tls.session if isinstance(tls, ssl.SSLSocket) and not tls.session_reused else None

    def send(self, request: bytes) -> None:
        """Begin a request. The one before must have its answer."""
        self._out = request
        if self._open:
            self._flush()

    def step(self) -> Answer | None:
        """Go on as far as possible; the answer when it is whole."""
        return self._step()

    def _connected(self) -> Answer | None:
        problem = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if problem:
            raise OSError(problem, "the connection was refused")
        if self._context is None:
            return self._established()
        tls = self._context.wrap_socket(
            self._sock,
            server_hostname=self._host,
            do_handshake_on_connect=False,
            session=self._resumed,
        )
        self._sock = tls
        self._step = partial(self._handshake, tls)
        return self._handshake(tls)

    def _handshake(self, tls: ssl.SSLSocket) -> Answer | None:
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            self.wants = EVENT_READ
            return None
        except ssl.SSLWantWriteError:
            self.wants = EVENT_WRITE
            return None
        return self._established()

    def _established(self) -> Answer | None:
        self._open = True
        self._step = self._exchange
        self._flush()
        return None

    def _exchange(self) -> Answer | None:
        if self._out:
            self._flush()
        while True:
            try:
                data = self._sock.recv(_READ_BYTES)
            except _WOULD_BLOCK:
                return None
            answer = self._reader.feed(data) if data else self._reader.end()
            if answer:
                self.answered += 1
                return answer
            if not data:
                raise ConnectionLost("the connection closed before the answer was whole")

    def _flush(self) -> None:
        try:
            sent = self._sock.send(self._out)
        except _WOULD_BLOCK:
            sent = 0
        self._out = self._out[sent:]
        self.wants = EVENT_READ | EVENT_WRITE if self._out else EVENT_READ
