"""What a history adds up to: clicks, their fate, and how fast clients showed the value."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from .events import (
    Acknowledged,
    Clicked,
    ClickedWithoutId,
    Displayed,
    Event,
    FailedWithoutId,
    Loud,
    Named,
    Quiet,
    Received,
    Stored,
)


@dataclass(slots=True)
class Totals:
    """What a history adds up to.

    Attributes:
        clicked: Op ids of all clicks.
        acknowledged: Op ids of the clicks that the server acknowledged.
        least_without_id: Increments without an op id that certainly counted.
        most_without_id: The same, and those whose outcome is unknown.
        convergence: Seconds that each client took to show the value, at each quiet.
    """

    clicked: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    least_without_id: int = 0
    most_without_id: int = 0
    convergence: dict[str, list[float]] = field(default_factory=dict)


def totals(history: Sequence[Event]) -> Totals:
    """Add up a history."""
    found = Totals()
    for event in history:
        match event:
            case Clicked(_, str(op_id)) | Named(_, op_id):
                found.clicked.add(op_id)
            case Acknowledged(op_id=op_id):
                found.acknowledged.add(op_id)
            case ClickedWithoutId():
                found.least_without_id += 1
                found.most_without_id += 1
            case FailedWithoutId(_, may_have_counted):
                found.least_without_id -= 1
                found.most_without_id -= not may_have_counted
            case _:
                pass
    for _, times in quiets(history):
        for client, took in times.items():
            if took is not None:
                found.convergence.setdefault(client, []).append(took)
    return found


def lost(found: Totals, stored: Stored) -> int:
    """Number of clicks that were acknowledged and did not count."""
    unstored = set() if stored.op_ids is None else found.acknowledged - stored.op_ids
    least, _ = _increments(found, stored)
    return max(len(unstored), least - (stored.value - stored.before), 0)


def doubled(found: Totals, stored: Stored) -> int:
    """By how much the counter exceeds the clicks that counted."""
    return 0 if stored.is_shared else _surplus(found, stored)


def foreign(found: Totals, stored: Stored) -> int:
    """Least number of increments by clients outside of the history."""
    return _surplus(found, stored) if stored.is_shared else 0


def invented(found: Totals, stored: Stored) -> int:
    """Number of op ids in the table that no client sent."""
    return len((stored.op_ids or frozenset()) - found.clicked)


def reordered(history: Sequence[Event]) -> int:
    """Number of values that were lower than an earlier one on their connection.

    Clients ignore them. They are no error, because an acknowledgement and a broadcast race.
    """
    found = 0
    greatest: dict[int, int] = {}
    for event in history:
        if isinstance(event, Received):
            before = greatest.get(event.connection, 0)
            found += event.value < before
            greatest[event.connection] = max(before, event.value)
    return found


def quiets(
    history: Sequence[Event],
) -> Iterator[tuple[Quiet, dict[str, float | None]]]:
    """Each quiet, and the seconds that each of its clients took to show its value.

    None: it showed another value, or none, until the clicks started again.
    """
    shown: dict[str, list[Displayed]] = {}
    quiet: Quiet | None = None
    for event in [*history, Loud()]:
        match event:
            case Displayed():
                shown.setdefault(event.client, []).append(event)
            case Quiet():
                quiet = event
            case Loud() if quiet:
                yield quiet, {each: _took(quiet, shown.get(each, [])) for each in quiet.limits}
                quiet = None
            case _:
                pass


def _took(quiet: Quiet, shown: Sequence[Displayed]) -> float | None:
    first = bisect_left(shown, quiet.value, key=attrgetter("value"))
    if first == len(shown) or not (quiet.is_least or shown[-1].value == quiet.value):
        return None
    return max(0.0, shown[first].at - quiet.at)


def _surplus(found: Totals, stored: Stored) -> int:
    _, most = _increments(found, stored)
    return max(0, stored.value - stored.before - most)


def _increments(found: Totals, stored: Stored) -> tuple[int, int]:
    """The least and the greatest number of increments that the history explains.

    Without the table, a click that was not acknowledged may have counted.
    """
    if stored.op_ids is None:
        least, most = len(found.acknowledged), len(found.clicked)
    else:
        least = most = len(stored.op_ids)
    return least + found.least_without_id, most + found.most_without_id
