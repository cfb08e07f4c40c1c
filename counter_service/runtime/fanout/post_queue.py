"""What a fan-out has left to post."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(slots=True)
class Post:
    """One message to one connection."""

    connection_id: str
    attempts: int = 0
    started_at: float = 0.0  # of the last attempt
    free_retry_used: bool = False  # a retry that does not count as an attempt


class PostQueue:
    """Retries that are due come first, then posts that were not tried yet.

    Attributes:
        has_untried: Whether posts may be left that were not tried yet.
    """

    def __init__(self, untried: Iterator[Post]) -> None:
        self.has_untried = True
        self._untried = untried
        self._retries: list[tuple[float, int, Post]] = []  # a heap by time

    def __bool__(self) -> bool:
        return self.has_untried or bool(self._retries)

    @property
    def next_retry_at(self) -> float | None:
        return self._retries[0][0] if self._retries else None

    def next(self, now: float) -> Post | None:
        """The next post; None if there is none, or none yet."""
        if self._retries and self._retries[0][0] <= now:
            return heapq.heappop(self._retries)[2]
        if self.has_untried:
            post = next(self._untried, None)
            self.has_untried = post is not None
            return post
        return None

    def retry(self, post: Post, at: float) -> None:
        heapq.heappush(self._retries, (at, id(post), post))

    def abandon(self) -> None:
        """Drop every post, after reading the untried ones to the end."""
        self._retries.clear()
        for _ in self._untried:
            pass
        self.has_untried = False
