"""What came of a load. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from counter_service.history import figures
from counter_service.history.events import Event, Stored
from counter_service.history.invariants import Violation, violations

from . import latency
from .latency import Click
from .plan import Plan
from .times import percentile

# A process whose event loop is later than this adds to the latencies that it measures.
MAX_LAG_SECONDS = 0.05

CONNECT = "connect"
ACKNOWLEDGEMENT = "click to acknowledgement"
EVERYONE = "click to everyone"


def p99(values: Sequence[float]) -> float:
    """The 99th percentile; 0.0 of no values."""
    return percentile(sorted(values), 99) if values else 0.0


@dataclass(frozen=True)
class Result:
    """What came of a load.

    Attributes:
        plan: What was to be done.
        was_interrupted: Whether Ctrl-C ended it.
        stored: The counter before and after.
        history: What the clients did and saw.
        clicks: The clicks that were due.
        connected: Beginning and end of the connections of each client.
        connects: Seconds of each successful attempt to connect.
        attempts: Number of attempts to connect.
        unconnected: The clients without a connection at the end, and the problem of each.
        failures: Number of errors of the server, by code.
        repeated: Number of acknowledgements of clicks that were acknowledged already.
        messages_sent: By the clients.
        messages_received: By the clients.
        lags: By how many seconds this process' event loop was late, at regular intervals.
        core_share: Cores that this process used.
    """

    plan: Plan
    was_interrupted: bool
    stored: Stored
    history: Sequence[Event]
    clicks: Sequence[Click]
    connected: Mapping[str, list[tuple[float, float]]]
    connects: Sequence[float]
    attempts: int
    unconnected: Mapping[str, str]
    failures: Counter[str]
    repeated: int
    messages_sent: int
    messages_received: int
    lags: Sequence[float]
    core_share: float

    @cached_property
    def seconds(self) -> dict[str, list[float]]:
        """Seconds that each connect and each click took, by name."""
        return {
            CONNECT: list(self.connects),
            ACKNOWLEDGEMENT: latency.acknowledgement(self.clicks),
            EVERYONE: latency.everyone(self.clicks, latency.views(self.history, self.connected)),
        }

    @cached_property
    def violations(self) -> list[Violation]:
        """The invariants that do not hold."""
        return violations(self.history, self.stored)

    @cached_property
    def totals(self) -> figures.Totals:
        """The sums of the history."""
        return figures.totals(self.history)

    @property
    def acknowledged(self) -> int:
        """Number of acknowledged clicks."""
        return len(self.totals.acknowledged)

    @property
    def growth(self) -> int:
        """By how much the value grew."""
        return self.stored.value - self.stored.before

    @property
    def lost(self) -> int:
        """Number of acknowledged clicks that did not count."""
        return figures.lost(self.totals, self.stored)

    @property
    def doubled(self) -> int:
        """By how much the value grew more than by the clicks, if no other client clicks."""
        return figures.doubled(self.totals, self.stored)

    @property
    def foreign(self) -> int:
        """Least number of clicks of other clients."""
        return figures.foreign(self.totals, self.stored)

    @cached_property
    def reordered(self) -> int:
        """Number of values that were lower than an earlier one on their connection."""
        return figures.reordered(self.history)

    @property
    def left_behind(self) -> int:
        """Number of connected clients that do not show the last value in time."""
        return sum(each.invariant == "convergence" for each in self.violations)

    @property
    def reconnects(self) -> int:
        """Number of connections after the first one of each client."""
        return sum(max(0, len(each) - 1) for each in self.connected.values())

    @property
    def failed_attempts(self) -> int:
        """Number of attempts to connect that did not succeed."""
        return self.attempts - len(self.connects)

    @property
    def lag(self) -> float:
        """Seconds by which the event loop was late, p99."""
        return p99(self.lags)

    @property
    def is_bottleneck(self) -> bool:
        """Whether this process was too slow for what it measured."""
        return self.lag > MAX_LAG_SECONDS

    @property
    def is_right(self) -> bool:
        """Whether every invariant holds and every client is connected at the end."""
        return not self.violations and not self.unconnected
