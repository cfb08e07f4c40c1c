"""Retries: how long to wait between attempts, and when to stop."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Final

from .ports import Clock

# A pause is random, up to a bound that doubles from FIRST_MS to LONGEST_MS. A transaction takes
# about 10 ms, so two that conflicted rarely overlap again. bench/shards.py measures the effect.
FIRST_MS: Final = 20
LONGEST_MS: Final = 160
TOTAL_MS: Final = 2000
ATTEMPTS: Final = 20


@dataclass(slots=True, eq=False)
class Backoff:
    """Exponential backoff with full jitter."""

    clock: Clock
    random: Callable[[], float]  # at least 0, less than 1

    def attempts(self, until_ms: float | None = None) -> Iterator[int]:
        """Yield the number of each attempt, from 0, and pause before each one except the first.

        The pauses are random, so that writes which conflicted once are unlikely to conflict again
        (aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter).

        Args:
            until_ms: Epoch milliseconds. Stops if the next pause would end later. None: stops after
                ATTEMPTS attempts, or if the next pause would end more than TOTAL_MS from now.
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
