"""A TCP proxy on loopback that injects faults between client and server."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Fault(Enum):
    """A fault of the next bytes of a connection, or of the connection itself."""

    RESET_AT_REQUEST = auto()  # the client's next bytes are lost, and the connection is reset
    RESET_AT_RESPONSE = auto()  # the server's next bytes are lost, and the connection is reset
    DROP_RESPONSE = auto()  # the server's next bytes are lost, and the connection goes on
    BLACKHOLE = auto()  # all bytes are lost from now on, and the connection stays open


# Compressed frames refer to earlier ones, so dropping one would make the later ones unreadable.
_COMPRESSION = b"Sec-WebSocket-Extensions:"
_NO_COMPRESSION = b"X-Unused:"


class FaultProxy:
    """Forwards 127.0.0.1:`port` to the target.

    Attributes:
        accepted: Number of connections so far, including those that `block` reset.
        injected: The faults that have happened, in order.
        latency: Seconds by which each response is delayed.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.accepted = 0
        self.injected: list[Fault] = []
        self.latency = 0.0
        self._blocked = False
        self._flowing = threading.Event()
        self._flowing.set()
        self._connections: list[_Connection] = []
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    @classmethod
    def to(cls, url: str) -> Self:
        target = urlsplit(url)
        assert target.hostname
        assert target.port
        return cls(target.hostname, target.port)

    def through(self, url: str) -> str:
        """The URL of the server, with the proxy's port."""
        return url.replace(f":{self._target[1]}/", f":{self.port}/")

    def __enter__(self) -> Self:
        self._spawn(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.resume()
        self.block()
        with suppress(OSError):  # macOS: a listening socket is not connected
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    @property
    def healthy(self) -> int:
        """Number of open connections without a fault."""
        with self._lock:
            return sum(each.open and each.fault is None for each in self._connections)

    @property
    def open(self) -> int:
        """Number of open connections."""
        with self._lock:
            return sum(each.open for each in self._connections)

    def inject(self, fault: Fault) -> None:
        """Let the fault happen to every healthy connection. New connections are healthy."""
        with self._lock:
            for connection in self._connections:
                connection.fault = connection.fault or fault

    def reset(self) -> None:
        """Reset every connection."""
        with self._lock:
            connections, self._connections = self._connections, []
        for connection in connections:
            connection.reset()

    def block(self) -> None:
        """Reset every connection, and every new one until `unblock`."""
        with self._lock:
            self._blocked = True
        self.reset()

    def unblock(self) -> None:
        with self._lock:
            self._blocked = False

    def pause(self) -> None:
        """Delay all bytes, in both directions, until `resume`."""
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    def wait_until_flowing(self) -> None:
        self._flowing.wait()

    def heal(self) -> None:
        """Undo `block` and `pause`, and reset the connections that have a fault."""
        self.unblock()
        self.resume()
        with self._lock:
            faulty = [each for each in self._connections if each.fault]
        for connection in faulty:
            connection.reset()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            with self._lock:
                if self._blocked:
                    _reset(client)
                    continue
                try:
                    server = socket.create_connection(self._target)
                except OSError:  # the server is down
                    _reset(client)
                    continue
                connection = _Connection(client, server, self)
                self._connections = [each for each in self._connections if each.open]
                self._connections.append(connection)
            self._spawn(connection.forward_requests)
            self._spawn(connection.forward_responses)

    def _spawn(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()


class _Connection:
    def __init__(self, client: socket.socket, server: socket.socket, proxy: FaultProxy) -> None:
        self._client = client
        self._server = server
        self._proxy = proxy
        self.fault: Fault | None = None
        self.open = True

    def reset(self) -> None:
        self.open = False
        for end in (self._client, self._server):
            _reset(end)

    def forward_requests(self) -> None:
        self._forward(self._client, self._server, Fault.RESET_AT_REQUEST)

    def forward_responses(self) -> None:
        self._forward(self._server, self._client, Fault.RESET_AT_RESPONSE)

    def _forward(self, source: socket.socket, sink: socket.socket, reset: Fault) -> None:
        try:
            while data := source.recv(65536):
                if source is self._server:
                    time.sleep(self._proxy.latency)
                self._proxy.wait_until_flowing()
                fault = self.fault
                if fault is reset:
                    self._proxy.injected.append(fault)
                    return
                if fault is Fault.BLACKHOLE:
                    self._proxy.injected.append(fault)
                elif fault is Fault.DROP_RESPONSE and source is self._server:
                    self._proxy.injected.append(fault)
                    self.fault = None
                else:
                    sink.sendall(data.replace(_COMPRESSION, _NO_COMPRESSION))
        except OSError:
            pass
        finally:
            self.reset()


def _reset(end: socket.socket) -> None:
    with suppress(OSError):  # already closed
        end.shutdown(socket.SHUT_RDWR)
    end.close()
