"""Trying again: how long to wait, and until when. Pure: the clock and the dice are given."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from .ports import Clock

# A transaction takes some 10 ms, so those that met in one are out of each other's way soon.
# bench/shards.py shows what comes of these.
FIRST_MS: Final = 20
LONGEST_MS: Final = 160
TOTAL_MS: Final = 2000
ATTEMPTS: Final = 20


@dataclass(frozen=True, slots=True)
class Backoff:
    clock: Clock
    random: Callable[[], float]  # from 0 to 1

    def attempts(self) -> Iterator[int]:
        """The attempts from 0 on, each but the first after a pause, while there is time.

        A pause is a random part of a bound that doubles, so that those who met once do not meet
        again ("full jitter": aws.amazon.com/builders-library/
        timeouts-retries-and-backoff-with-jitter).
        """
        end = self.clock.milliseconds() + TOTAL_MS
        yield 0
        for attempt in range(1, ATTEMPTS):
            bound = min(FIRST_MS << (attempt - 1), LONGEST_MS)
            until = self.clock.milliseconds() + round(self.random() * bound)
            if until > end:
                return
            self.clock.sleep_until(until)
            yield attempt
