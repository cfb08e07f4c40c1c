"""The invariants of a history, which is a list of events in the order in which they happened.

docs/reliability.md states them. Everything here is pure, so tests check it with planted errors.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf

from .events import (
    Acknowledged,
    Clicked,
    ClickedWithoutId,
    Displayed,
    Event,
    Named,
    Opened,
    Quiet,
    Received,
    Stored,
)
from .figures import Totals, doubled, invented, lost, quiets, totals

# Seconds within which a client that missed no message shows the value of a quiet counter.
CONVERGENCE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that does not hold."""

    invariant: str
    problem: str


def violations(history: Sequence[Event], stored: Stored) -> list[Violation]:
    """Every invariant that the history breaks, in the order of docs/reliability.md."""
    return [
        *count_violations(totals(history), stored),
        *pending_violations(history),
        *display_violations(history, stored),
        *read_violations(history, stored),
        *convergence_violations(history),
    ]


def examples(broken: Sequence[Violation], most: int = 5) -> Iterator[str]:
    """A line for each of the first violations of each invariant, and the number of the others."""
    shown: Counter[str] = Counter()
    for violation in broken:
        shown[violation.invariant] += 1
        if shown[violation.invariant] <= most:
            yield f"{violation.invariant}: {violation.problem}"
    for invariant, number in shown.items():
        if number > most:
            yield f"{invariant}: {number - most:,} more"


def count_violations(found: Totals, stored: Stored) -> Iterator[Violation]:
    """Every acknowledged click counts exactly once, and nothing else counts."""
    for name, count in (("lost", lost), ("doubled", doubled), ("invented", invented)):
        if number := count(found, stored):
            yield Violation("count", f"{number} clicks were {name}")


def pending_violations(history: Sequence[Event]) -> Iterator[Violation]:
    """Every click before a quiet is acknowledged by then."""
    unnamed: dict[str, int] = {}
    pending: set[str] = set()
    for event in history:
        match event:
            case Clicked(_, str(op_id)):
                pending.add(op_id)
            case Clicked(client, None):
                unnamed[client] = unnamed.get(client, 0) + 1
            case Named(client, op_id):
                unnamed[client] = unnamed.get(client, 0) - 1
                pending.add(op_id)
            case Acknowledged(op_id=op_id):
                pending.discard(op_id)
            case Quiet():
                left = [*sorted(pending), *(client for client in unnamed if unnamed[client])]
                if left:
                    shown = ", ".join(left[:5])
                    yield Violation("pending", f"{len(left)} clicks never resolved: {shown}")
                pending.clear()
                unnamed.clear()
            case _:
                pass


def display_violations(history: Sequence[Event], stored: Stored) -> Iterator[Violation]:
    """The value that a client shows never decreases, and never exceeds the increments so far."""
    attempted = 0
    most = inf if stored.is_shared else stored.before
    shown: dict[str, int] = {}
    for event in history:
        match event:
            case Clicked() | ClickedWithoutId():
                attempted += 1
                most += 1
            case Displayed(_, client, value):
                before = shown.get(client, 0)
                if value < before:
                    yield Violation("display", f"{client} showed {value} after {before}")
                if value > most:
                    yield Violation(
                        "display", f"{client} showed {value} after {attempted} increments"
                    )
                shown[client] = value
            case Received(connection, value) if value > most:
                yield Violation(
                    "display",
                    f"connection {connection} received {value} after {attempted} increments",
                )
            case _:
                pass


def read_violations(history: Sequence[Event], stored: Stored) -> Iterator[Violation]:
    """A read that begins after an acknowledgement returns at least the acknowledged value.

    Two kinds of read have a known beginning. Every value on a connection was read after the
    connection was opened, because a broadcast lists its audience before it reads the value. The
    value of an acknowledgement was read after the click was first sent, and it contains the click.
    """
    acknowledged = stored.before
    at_opening: dict[int, int] = {}
    at_click: dict[str, int] = {}
    for event in history:
        match event:
            case Opened(_, connection):
                at_opening[connection] = acknowledged
            case Clicked(_, str(op_id)):
                at_click[op_id] = acknowledged
            case Received(connection, value) if value < at_opening[connection]:
                yield Violation(
                    "read",
                    f"connection {connection} received {value}, although"
                    f" {at_opening[connection]} was acknowledged before it was opened",
                )
            case Acknowledged(_, op_id, value):
                if op_id in at_click and value <= at_click[op_id]:
                    yield Violation(
                        "read",
                        f"{op_id} was acknowledged with {value}, although"
                        f" {at_click[op_id]} was acknowledged before it was sent",
                    )
                acknowledged = max(acknowledged, value)
            case _:
                pass


def convergence_violations(history: Sequence[Event]) -> Iterator[Violation]:
    """Every live client shows the stored value within its limit of quiet."""
    for quiet, times in quiets(history):
        for client, limit in quiet.limits.items():
            took = times[client]
            if took is None:
                yield Violation("convergence", f"{client} never showed {quiet.value}")
            elif took > limit:
                yield Violation(
                    "convergence",
                    f"{client} showed {quiet.value} after {took:.1f} s instead of {limit:g} s",
                )
