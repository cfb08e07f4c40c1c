"""When a click was at every client. Pure.

Broadcasts are coalesced: one message may show many clicks. So a click is at a client when the
client first shows a value that is at least the value of the click's acknowledgement.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from operator import attrgetter

from counter_service.history.events import Displayed, Event


@dataclass(slots=True)
class Click:
    """A click with its times, in seconds.

    Attributes:
        due: When it was due. Latencies begin here, even if it was sent later.
        acknowledged_at: When its acknowledgement arrived; None before.
        value: The value of that acknowledgement, which contains the click.
    """

    due: float
    acknowledged_at: float | None = None
    value: int = 0


@dataclass(slots=True)
class View:
    """What one client could see.

    Attributes:
        connected: Beginning and end of each of its connections, in seconds. The end is infinite
            while the connection is open.
        shown: Time and value of each value that was greater than all before it.
    """

    connected: list[tuple[float, float]]
    shown: list[tuple[float, int]] = field(default_factory=list)


def covers(connected: Sequence[tuple[float, float]], begin: float, end: float) -> bool:
    """Whether one of the connections was open during all of this time."""
    last = bisect_right(connected, (begin, inf)) - 1
    return last >= 0 and connected[last][1] >= end


def acknowledgement(clicks: Iterable[Click]) -> list[float]:
    """Seconds from each acknowledged click to its acknowledgement."""
    return [
        click.acknowledged_at - click.due for click in clicks if click.acknowledged_at is not None
    ]


def everyone(clicks: Iterable[Click], views: Sequence[View]) -> list[float]:
    """Seconds from each acknowledged click until the last client showed it.

    A client whose connection was lost meanwhile does not count for the click, because it misses
    broadcasts. A click that a connected client never showed is left out; the invariants of the
    history report that client.
    """
    waiting = sorted(
        (click for click in clicks if click.acknowledged_at is not None), key=attrgetter("value")
    )
    last: list[float] = [0.0] * len(waiting)  # 0: no client counts; infinite: one never showed it
    for view in views:
        shown = iter(view.shown)
        at, value = next(shown, (inf, inf))
        for number, click in enumerate(waiting):
            while value < click.value:
                at, value = next(shown, (inf, inf))
            if covers(view.connected, click.due, at):
                last[number] = max(last[number], at)
    return [at - click.due for at, click in zip(last, waiting, strict=True) if 0 < at < inf]


def views(
    history: Iterable[Event], connected: Mapping[str, list[tuple[float, float]]]
) -> list[View]:
    """What each client could see, from the history and the times of its connections."""
    found = {client: View(times) for client, times in connected.items()}
    for event in history:
        if isinstance(event, Displayed):
            found[event.client].shown.append((event.at, event.value))
    return list(found.values())
