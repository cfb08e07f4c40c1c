"""An HTTP server that misbehaves on request: a reply is bytes, and what the socket does then."""

import itertools
import re
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Self
from urllib.parse import unquote

import trustme


class Then(Enum):
    KEEP = "keep"
    CLOSE = "close"  # in order: over TLS with close_notify
    CUT = "cut"  # over TLS without close_notify
    RESET = "reset"
    HANG = "hang"  # keep the socket open without reading


@dataclass(frozen=True)
class Request:
    connection_id: str
    head: str
    body: bytes
    number: int  # among the requests for this connection id, from 1
    on_socket: int  # among the requests on this socket, from 1

    @property
    def path(self) -> str:
        return self.head.split(" ")[1]


@dataclass(frozen=True)
class Reply:
    data: bytes
    then: Then = Then.KEEP

    @classmethod
    def of(cls, status: int, error_type: str = "", body: bytes = b"") -> Self:
        extra = f"x-amzn-ErrorType: {error_type}\r\n" if error_type else ""
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
        return cls(head.encode() + body)


OK = Reply.of(200)


class RawServer:
    """A server on loopback that replies to each request with what `respond` returns.

    Attributes:
        requests: The requests so far, in order.
        sockets: Number of connections so far.
    """

    def __init__(
        self, respond: Callable[[Request], Reply], context: ssl.SSLContext | None = None
    ) -> None:
        self.respond = respond
        self.requests: list[Request] = []
        self.sockets = 0
        self._context = context
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def resumed(self) -> int:
        """Number of handshakes that resumed the TLS session of another connection."""
        return self._context.session_stats()["hits"] if self._context else 0

    def close(self) -> None:
        self._closing.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut_all()
        for thread in self._threads:
            thread.join(5)

    def cut_all(self) -> None:
        """Close every connection, as happens to idle ones while a function is frozen."""
        with self._lock:
            ends, self._open = self._open, []
        for end in ends:
            # Its own thread closes it. Closed here, its number could be reused while that reads.
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while not self._closing.is_set():
            try:
                end, _ = self._listener.accept()
            except OSError:
                return
            self.sockets += 1
            thread = threading.Thread(target=self._serve, args=(end,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, end: socket.socket) -> None:
        with suppress(OSError):
            if self._context:
                end = self._context.wrap_socket(end, server_side=True)
            with end:
                self._talk(end)

    def _talk(self, end: socket.socket) -> None:
        with self._lock:
            self._open.append(end)
        for count in itertools.count(1):
            head, body = _read(end)
            connection_id = unquote(head.split(" ")[1].rpartition("/")[2])
            with self._lock:
                self._seen[connection_id] += 1
                request = Request(connection_id, head, body, self._seen[connection_id], count)
                self.requests.append(request)
            reply = self.respond(request)
            end.sendall(reply.data)
            if reply.then is Then.HANG:
                self._closing.wait(30)
            elif reply.then is Then.RESET:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif reply.then is Then.CUT:
                end.shutdown(socket.SHUT_RDWR)
            elif reply.then is Then.CLOSE and isinstance(end, ssl.SSLSocket):
                end.unwrap()
            if reply.then is not Then.KEEP:
                return  # closes the socket


def _read(end: socket.socket) -> tuple[str, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := end.recv(65536)):
            raise ConnectionError
        data += more
    raw, _, body = data.partition(b"\r\n\r\n")
    head = raw.decode()
    length = int("".join(re.findall(r"(?i)\r\ncontent-length: *(\d+)", head)) or 0)
    while len(body) < length:
        body += end.recv(65536)
    assert len(body) == length, "a second request came before the response to the first"
    return head, body


def certificate(folder: Path, host: str = "localhost") -> Path:
    """A PEM file with a certificate, its key, and the authority that issued it."""
    authority = trustme.CA()
    path = folder / f"{host}.pem"
    authority.issue_cert(host).private_key_and_cert_chain_pem.write_to_path(path)
    authority.cert_pem.write_to_path(path, append=True)
    return path
