"""Records the history of a run. Threads may share it, because appending to a list is atomic."""

from collections.abc import Callable
from itertools import count

from .events import Acknowledged, Clicked, Displayed, Event, Opened, Received


class Recorder:
    """A growing history.

    Args:
        now: The time in seconds, on the clock of the history.

    Attributes:
        history: The events so far.
        acknowledged: Number of acknowledged clicks so far.
        acknowledged_at: When the last click was acknowledged; 0.0 before the first.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.history: list[Event] = []
        self.acknowledged = 0
        self.acknowledged_at = 0.0
        self._connections = count(1)
        self._now = now

    def record(self, event: Event) -> None:
        """Add an event."""
        self.history.append(event)

    def open(self, client: str) -> int:
        """Record that a client begins to open a connection. Returns the connection's number."""
        connection = next(self._connections)
        self.record(Opened(client, connection))
        return connection

    def display(self, client: str, value: int, at: float | None = None) -> None:
        """Record a value that a client shows from now on, or from another time."""
        self.record(Displayed(self._now() if at is None else at, client, value))

    def acknowledge(self, client: str, op_id: str, value: int) -> None:
        """Record the acknowledgement of a click."""
        self.record(Acknowledged(client, op_id, value))
        self.acknowledged += 1
        self.acknowledged_at = self._now()


class Observer:
    """Records what one CounterClient does and sees, from its callbacks.

    Attributes:
        name: The client's, unique in the history.
        value: The greatest value so far, which a page would show; 0 before the first.
        has_value: Whether the current connection has received a value.
        pending: Op ids of the clicks without an acknowledgement.
        repeated: Number of acknowledgements of clicks that were acknowledged already.
    """

    def __init__(self, name: str, recorder: Recorder) -> None:
        self.name = name
        self.value = 0
        self.has_value = False
        self.pending: set[str] = set()
        self.repeated = 0
        self._recorder = recorder
        self._connection = 0  # its number in the history
        self._shows_value = False

    def enter(self, state: str) -> None:
        """The connection has a new state, as CounterClient names it."""
        self.has_value = False
        if state == "connecting":
            self._connection = self._recorder.open(self.name)

    def click(self, op_id: str) -> None:
        """The client clicks. Call it before the first message."""
        self.pending.add(op_id)
        self._recorder.record(Clicked(self.name, op_id))

    def receive(self, value: int, op_id: str | None) -> bool:
        """An update arrived. Returns whether it is the first acknowledgement of a click."""
        self.has_value = True
        self._recorder.record(Received(self._connection, value))
        if value > self.value or not self._shows_value:
            self._shows_value = True
            self.value = value
            self._recorder.display(self.name, value)
        if op_id not in self.pending:
            self.repeated += op_id is not None
            return False
        self.pending.remove(op_id)
        self._recorder.acknowledge(self.name, op_id, value)
        return True
