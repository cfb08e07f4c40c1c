"""Records the history of a run. The tabs' thread and the event loop share it."""

import itertools
import threading
import time

from .events import Acknowledged, Displayed, Event, Opened, Received


class Recorder:
    """A growing history.

    Attributes:
        history: The events so far.
        acknowledged: Number of acknowledged clicks so far.
        acknowledged_at: When the last click was acknowledged, in seconds since the epoch.
    """

    def __init__(self) -> None:
        self.history: list[Event] = []
        self.acknowledged = 0
        self.acknowledged_at = 0.0
        self._connections = itertools.count(1)
        self._lock = threading.Lock()

    def record(self, event: Event) -> None:
        with self._lock:
            self.history.append(event)

    def open(self, client: str) -> int:
        """Record that a client begins to open a connection. Returns the connection's number."""
        connection = next(self._connections)
        self.record(Opened(client, connection))
        return connection

    def receive(self, connection: int, value: int) -> None:
        self.record(Received(connection, value))

    def display(self, client: str, value: int, at: float | None = None) -> None:
        self.record(Displayed(time.time() if at is None else at, client, value))

    def acknowledge(self, client: str, op_id: str, value: int) -> None:
        self.record(Acknowledged(client, op_id, value))
        self.acknowledged += 1
        self.acknowledged_at = time.time()
