"""Counts a click: exactly once with an op id, at most once without.

A click with an op id is retried after any failure, here and by its client, because the store
remembers the op ids that it counted. A click without one is retried only if DynamoDB rejected the
write, so that nothing was written.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from .backoff import Backoff
from .errors import StoreBusy, StoreUnavailable
from .ports import Clock, CounterStore

# A client that was offline for a day may still retry a click, and the click counts only once.
OPERATION_TTL_SECONDS: Final = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class CountResult:
    """A click that is in the store."""

    value: int | None  # with this click; None: the value could not be read
    before: bool  # counted by an earlier message with the same op id
    retries: int


@dataclass(slots=True, eq=False)
class ClickCounter:
    """Counts clicks, with retries."""

    counter: CounterStore
    clock: Clock
    backoff: Backoff

    def count(self, op_id: str | None) -> CountResult:
        """Count a click and read the value afterwards.

        Raises:
            StoreBusy: Concurrent writes conflicted at every attempt.
            StoreUnavailable, OutcomeUnknown: See `CounterStore.increment`.
        """
        value, before, retries = self._count(op_id)
        if value is None:
            # A failure to read must not look like a failure to count.
            with suppress(StoreUnavailable):
                value = self.counter.value()
        return CountResult(value, before, retries)

    def _count(self, op_id: str | None) -> tuple[int | None, bool, int]:
        for retries in self.backoff.attempts():
            try:
                if op_id is None:
                    return self.counter.increment(), False, retries
                expires_at = self.clock.now_s() + OPERATION_TTL_SECONDS
                return None, not self.counter.increment_once(op_id, expires_at), retries
            except StoreBusy as failure:
                busy = failure
        raise StoreBusy(busy.operation, busy.reason, retries + 1) from busy
