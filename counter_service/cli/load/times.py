"""Percentiles, and histograms whose bars are comparable between runs. Pure."""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

# Upper bounds of the bars within a decade. Latencies spread over decades, so equal widths would
# put nearly all of them into one bar.
STEPS: Final = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)


@dataclass(frozen=True, slots=True)
class Summary:
    """Seconds that something took, in numbers."""

    count: int
    p50: float
    p90: float
    p99: float
    greatest: float


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The least value that at least so many percent of the values do not exceed.

    Args:
        ordered: At least one value, in ascending order.
        percent: More than 0, at most 100.
    """
    return ordered[math.ceil(len(ordered) * percent / 100) - 1]


def summary(values: Iterable[float]) -> Summary | None:
    """The summary of values in any order; None if there is none."""
    ordered = sorted(values)
    if not ordered:
        return None
    p50, p90, p99 = (percentile(ordered, percent) for percent in (50, 90, 99))
    return Summary(len(ordered), p50, p90, p99, ordered[-1])


def bounds(values: Iterable[float]) -> list[float]:
    """Upper bounds of bars, in seconds, that cover the values without an empty bar at the ends."""
    ordered = sorted(values)
    if not ordered:
        return []
    first = math.floor(math.log10(max(ordered[0], 1e-6)))
    last = math.ceil(math.log10(max(ordered[-1], 1e-6)))
    # A quotient is the float nearest to its decimal, which the product with 10**-3 is not.
    grid = [
        step * 10**decade if decade >= 0 else step / 10**-decade
        for decade in range(first, last + 1)
        for step in STEPS
    ]
    lowest, highest = (bisect_left(grid, value) for value in (ordered[0], ordered[-1]))
    return grid[lowest : highest + 1]


def counts(values: Iterable[float], upper: Sequence[float]) -> list[int]:
    """Number of values in each bar, which has its upper bound. `bounds` covers all values."""
    found = [0] * len(upper)
    for value in values:
        found[bisect_left(upper, value)] += 1
    return found


def name(upper: float) -> str:
    """The name of a bar."""
    return f"{upper:g} s" if upper >= 1 else f"{upper * 1000:g} ms"


def milliseconds(seconds: float) -> str:
    """The text of a time, in milliseconds."""
    value = seconds * 1000
    return f"{value:,.1f} ms" if value < 10 else f"{value:,.0f} ms"
