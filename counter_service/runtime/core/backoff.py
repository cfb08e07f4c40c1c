"""Retries: how long to wait between attempts, and when to stop."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

from .ports import Clock

# A transaction takes about 10 ms, so those that conflicted soon are out of each other's way.
# bench/shards.py measures the effect of these values.
FIRST_MS: Final = 20
LONGEST_MS: Final = 160
TOTAL_MS: Final = 2000
ATTEMPTS: Final = 20


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff with full jitter."""

    clock: Clock
    random: Callable[[], float]  # at least 0, less than 1

    def attempts(self, until_ms: float | None = None) -> Iterator[int]:
        """The numbers of the attempts, from 0, each but the first after a pause.

        Ends before a pause that would end after the epoch millisecond `until_ms`; without it, after
        ATTEMPTS or TOTAL_MS. A pause is a random part of a bound that doubles, so that writes that
        conflicted once do not conflict again
        (aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter).
        """
        end_ms = self.clock.now_ms() + TOTAL_MS if until_ms is None else until_ms
        yield 0
        for attempt in range(1, ATTEMPTS) if until_ms is None else count(1):
            bound_ms = min(FIRST_MS * 2 ** min(attempt - 1, 10), LONGEST_MS)
            resume_ms = self.clock.now_ms() + round(self.random() * bound_ms)
            if resume_ms > end_ms:
                return
            self.clock.sleep_until_ms(resume_ms)
            yield attempt
