"""How fast posts may be started.

API Gateway's quota is shared by every API of the account and by the clients' own messages, so a
fan-out takes a configured part of it: a token bucket bounds posts per second, and a window of posts
in flight follows what API Gateway rejects (AIMD, as TCP does it).
"""

from typing import Final

# Posts that may start at once after a pause, in seconds of the rate. An instance that begins to
# broadcast has no more than this, so that instances which take turns do not add up their rates.
BURST_SECONDS: Final = 0.05
# After the bucket was empty, posts go on in groups: waking up for each post costs twice its CPU.
GROUP_SECONDS: Final = 0.005

UNLIMITED: Final = 1_000_000_000  # posts per second


class Pace:
    """The pace of every fan-out of one instance, because a quota outlives a fan-out.

    Args:
        posts_per_second: At most so many posts are started per second.
        max_in_flight: The largest window.
        now: Seconds of a monotonic clock.
    """

    def __init__(self, posts_per_second: float, max_in_flight: int, now: float) -> None:
        self._rate = posts_per_second
        self._burst = max(1.0, posts_per_second * BURST_SECONDS)
        self._tokens = self._burst
        self._filled_at = now
        self._max_window = float(max_in_flight)
        self._window = self._max_window
        self._cut_at = now

    def allowance(self, in_flight: int, now: float) -> int:
        """How many posts may be started now."""
        gained = (now - self._filled_at) * self._rate
        self._tokens = min(self._burst, self._tokens + gained)
        self._filled_at = now
        return max(0, int(min(self._tokens, self._window - in_flight)))

    def started(self, posts: int) -> None:
        """Record that this many posts were started."""
        self._tokens -= posts

    def next_group_at(self, now: float) -> float | None:
        """When the next posts may be started; None if the bucket is not what prevents them."""
        if self._tokens >= 1:
            return None
        group = min(self._burst, max(1.0, self._rate * GROUP_SECONDS))
        return now + (group - self._tokens) / self._rate

    def responded(self, responses: int) -> None:
        """Widen the window, by one post for a window of responses."""
        self._window = min(self._max_window, self._window + responses / self._window)

    def throttled(self, started_at: float, now: float) -> None:
        """Halve the window, once for all posts that were in flight when API Gateway throttled."""
        if started_at >= self._cut_at:
            self._window = max(1.0, self._window / 2)
            self._cut_at = now
