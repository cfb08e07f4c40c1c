"""A cable between client and server that a test can cut in every way: a TCP proxy on loopback."""

import socket
import threading
from contextlib import suppress
from enum import Enum, auto
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Fate(Enum):
    """What becomes of a connection, or of what goes over it next."""

    LOSE_REQUEST = auto()  # reset at the client's next bytes, which do not arrive
    LOSE_ANSWER = auto()  # reset at the server's next bytes, which do not arrive
    SWALLOW_ANSWER = auto()  # the server's next bytes do not arrive, and nobody notices
    SILENT = auto()  # nothing arrives any more, in either direction, and nobody notices


# Compressed frames refer to those before, so that none could get lost alone.
_COMPRESSION = b"Sec-WebSocket-Extensions:"
_NO_COMPRESSION = b"X-Unused:"


class Cable:
    """Forwards 127.0.0.1:`port` to the target until it is cut.

    `cut` resets every connection and, until `mend`, every new one. `doom` lets something else
    happen to the connections that there are; new ones are as good as new.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.accepted = 0
        self.met: list[Fate] = []  # those that befell a connection, in order
        self._whole = True
        self._wires: list[_Wire] = []
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    @classmethod
    def to(cls, url: str) -> Self:
        target = urlsplit(url)
        assert target.hostname
        assert target.port
        return cls(target.hostname, target.port)

    def through(self, url: str) -> str:
        """The URL of the server, by way of the cable."""
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
        self.cut()
        with suppress(OSError):  # macOS: a listening socket is not connected
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)

    @property
    def sound(self) -> int:
        """Connections that are open and that nothing is to befall."""
        with self._lock:
            return sum(wire.open and wire.fate is None for wire in self._wires)

    def cut(self) -> None:
        with self._lock:
            self._whole = False
        self.drop()

    def drop(self) -> None:
        """Reset every connection; new ones are let through."""
        with self._lock:
            wires, self._wires = self._wires, []
        for wire in wires:
            wire.reset()

    def mend(self) -> None:
        with self._lock:
            self._whole = True

    def doom(self, fate: Fate) -> None:
        """Of the connections that are sound."""
        with self._lock:
            for wire in self._wires:
                wire.fate = wire.fate or fate

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            with self._lock:
                if not self._whole:
                    _reset(near)
                    continue
                try:
                    far = socket.create_connection(self._target)
                except OSError:  # the server is down
                    _reset(near)
                    continue
                wire = _Wire(near, far, self.met)
                self._wires = [each for each in self._wires if each.open] + [wire]
            self._spawn(wire.carry_requests)
            self._spawn(wire.carry_answers)

    def _spawn(self, work: object) -> None:
        thread = threading.Thread(target=work, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()


class _Wire:
    """One connection, from the client at the near end to the server at the far one."""

    def __init__(self, near: socket.socket, far: socket.socket, met: list[Fate]) -> None:
        self._near = near
        self._far = far
        self._met = met
        self.fate: Fate | None = None
        self.open = True

    def reset(self) -> None:
        self.open = False
        for end in (self._near, self._far):
            _reset(end)

    def carry_requests(self) -> None:
        self._carry(self._near, self._far, Fate.LOSE_REQUEST)

    def carry_answers(self) -> None:
        self._carry(self._far, self._near, Fate.LOSE_ANSWER)

    def _carry(self, source: socket.socket, sink: socket.socket, loses: Fate) -> None:
        try:
            while data := source.recv(65536):
                fate = self.fate
                if fate is loses:
                    self._met.append(fate)
                    return
                if fate is Fate.SILENT:
                    self._met.append(fate)
                elif fate is Fate.SWALLOW_ANSWER and loses is Fate.LOSE_ANSWER:
                    self._met.append(fate)
                    self.fate = None
                else:
                    sink.sendall(data.replace(_COMPRESSION, _NO_COMPRESSION))
        except OSError:
            pass
        finally:
            self.reset()


def _reset(end: socket.socket) -> None:
    with suppress(OSError):  # already gone
        end.shutdown(socket.SHUT_RDWR)
    end.close()
