"""Limits how fast posts are started.

API Gateway's quota is shared by every API of the account and by the clients' own messages, so a
fan-out uses only a configured part of it. A token bucket limits the posts per second. A window
limits the posts in flight: it halves when API Gateway rejects posts, and grows otherwise (AIMD, as
in TCP).
"""

from typing import Final

# Size of the bucket: the posts that may start at once after a pause, in seconds of the rate. It is
# small, because each instance has a bucket of its own and all of them share the quota.
BURST_SECONDS: Final = 0.05
# Size of the groups in which posts start after the bucket was empty, in seconds of the rate. Waking
# up for each post would double its CPU.
GROUP_SECONDS: Final = 0.005

UNLIMITED: Final = 1_000_000_000  # posts per second


class Pace:
    """The pace of all fan-outs of one instance, because the quota does not end with a fan-out.

    All times are seconds of one monotonic clock.

    Args:
        posts_per_second: The rate at which posts are started at most.
        max_in_flight: The largest window, in posts.
        now: The current time.
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
        """When the next posts may be started; None if only the window prevents them now."""
        if self._tokens >= 1:
            return None
        group = min(self._burst, max(1.0, self._rate * GROUP_SECONDS))
        return now + (group - self._tokens) / self._rate

    def responded(self, responses: int) -> None:
        """Widen the window, by one post for each whole window of responses."""
        self._window = min(self._max_window, self._window + responses / self._window)

    def throttled(self, started_at: float, now: float) -> None:
        """Halve the window, once for all posts that were in flight when API Gateway throttled."""
        if started_at >= self._cut_at:
            self._window = max(1.0, self._window / 2)
            self._cut_at = now
