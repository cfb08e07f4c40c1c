"""What each setting does to the bill: the same load with one key changed."""

from dataclasses import dataclass, replace
from typing import Any, Final

from .bill import bill, total
from .forecast import Load, broadcast_seconds, month
from .units import Sizing

# Key of Pulumi.yaml, field of Sizing, and what to compare with: the first that differs.
_KEYS: Final[tuple[tuple[str, str, tuple[Any, ...]], ...]] = (
    ("postsPerSecond", "posts_per_second", (1000, 5000)),
    ("memoryMb", "memory_mb", (1024, 512)),
    ("counterShards", "counter_shards", (4, 1)),
    ("clicksPerSecond", "clicks_per_second", (20, 0)),
    ("accessLogs", "access_logs", (True, False)),
    ("tracing", "tracing", (True, False)),
    ("alarms", "alarms", (True, False)),
    ("dashboard", "dashboard", (True, False)),
    ("domainName", "domain", (True, False)),
)


@dataclass(frozen=True, slots=True)
class Effect:
    """A key with another value.

    Attributes:
        key: Its name in Pulumi.yaml.
        now: Its value; for a text, whether there is one.
        instead: The value that it is compared with.
        dollars: What that adds to the bill of a month, or takes from it.
        broadcast_seconds: Duration of a broadcast with that value.
    """

    key: str
    now: int | bool
    instead: int | bool
    dollars: float
    broadcast_seconds: float


def effects(load: Load, sizing: Sizing) -> list[Effect]:
    """The effect of each key."""
    before = total(bill(month(load, sizing)))
    found = []
    for key, field, values in _KEYS:
        now = getattr(sizing, field)
        instead = next(value for value in values if value != now)
        changed = replace(sizing, **{field: instead})
        found.append(
            Effect(
                key,
                now,
                instead,
                total(bill(month(load, changed))) - before,
                broadcast_seconds(load.clients, changed),
            )
        )
    return found
