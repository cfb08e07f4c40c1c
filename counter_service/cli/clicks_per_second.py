"""How fast a counter moves, from the values that a client sees."""

from collections import deque
from typing import Final

BARS: Final = "▁▂▃▄▅▆▇█"


class ClickRate:
    """The clicks of the last seconds.

    Args:
        seconds: Length of the window.
    """

    def __init__(self, seconds: int) -> None:
        self._buckets: deque[tuple[int, int]] = deque()  # second and clicks, the oldest first
        self._seconds = seconds
        self._value: int | None = None

    def see(self, value: int, now: float) -> None:
        """A value that is greater than all before it. The first one is no click."""
        clicks = value - self._value if self._value is not None else 0
        self._value = value
        if self._buckets and self._buckets[-1][0] == int(now):
            self._buckets[-1] = (int(now), self._buckets[-1][1] + clicks)
        else:
            self._buckets.append((int(now), clicks))

    def history(self, now: float) -> list[int]:
        """Clicks in each second of the window, the current second last."""
        first = int(now) - self._seconds + 1
        while self._buckets and self._buckets[0][0] < first:
            self._buckets.popleft()
        clicks = dict(self._buckets)
        return [clicks.get(second, 0) for second in range(first, int(now) + 1)]

    def per_second(self, now: float, seconds: int) -> float:
        """Mean over the last whole seconds, without the current one."""
        return sum(self.history(now)[-seconds - 1 : -1]) / seconds


def bars(clicks: list[int]) -> str:
    """One character for each number, a space for 0, as high as its part of the greatest."""
    greatest = max(clicks, default=0)
    return "".join(
        " " if each == 0 else BARS[(each * len(BARS) - 1) // greatest] for each in clicks
    )
