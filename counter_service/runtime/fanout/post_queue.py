"""The queue of posts that a fan-out has not started yet."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice


@dataclass(slots=True)
class Post:
    """One message to one connection."""

    connection_id: str
    attempts: int = 0
    started_at: float = 0.0  # of the last attempt
    free_retry_used: bool = False  # a retry that does not count as an attempt


class PostQueue:
    """A queue of posts: first the retries that are due, then the posts that were not tried yet.

    Attributes:
        has_untried: Whether posts may be left that were not tried yet.
    """

    def __init__(self, untried: Iterator[Post]) -> None:
        self.has_untried = True  # until `untried` ends
        self._untried = untried
        self._retries: list[tuple[float, int, Post]] = []  # a heap by time; an id breaks ties

    def __bool__(self) -> bool:
        """Whether posts may be left."""
        return self.has_untried or bool(self._retries)

    @property
    def next_retry_at(self) -> float | None:
        """When the first retry is due; None if none is queued."""
        return self._retries[0][0] if self._retries else None

    def take(self, most: int, now: float) -> list[Post]:
        """Remove and return the posts that may start now, `most` of them at most."""
        posts: list[Post] = []
        while len(posts) < most and self._retries and self._retries[0][0] <= now:
            posts.append(heapq.heappop(self._retries)[2])
        if self.has_untried and len(posts) < most:
            posts.extend(islice(self._untried, most - len(posts)))
            self.has_untried = len(posts) == most
        return posts

    def retry(self, post: Post, at: float) -> None:
        """Queue a post again, to be taken at the time `at` or later."""
        heapq.heappush(self._retries, (at, id(post), post))

    def abandon(self) -> None:
        """Drop every post. The untried ones stay unread."""
        self._retries.clear()
        self.has_untried = False
