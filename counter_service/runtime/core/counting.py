"""How a click is counted: exactly once with an op id, at most once without. Pure.

A click with an op id may be tried again after any failure, here and by its client: the store
remembers the op ids that it has counted. A click without one is tried again only after a refusal,
which wrote nothing.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from .backoff import Backoff
from .errors import StoreBusy, StoreUnavailable
from .ports import Clock, CounterStore

# A client that was offline for a day may still retry a click, and it counts only once.
OPERATION_TTL_SECONDS: Final = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class CountResult:
    """A click that is in the store."""

    value: int | None  # the click is in it; None: it could not be read
    before: bool = False  # by an earlier message with its op id
    retries: int = 0


@dataclass(frozen=True, slots=True)
class ClickCounter:
    counter: CounterStore
    clock: Clock
    backoff: Backoff

    def count(self, op_id: str | None) -> CountResult:
        """Count a click and read the value that it led to.

        Raises StoreBusy, with all attempts, when others were writing for too long;
        StoreUnavailable or OutcomeUnknown as `CounterStore` does, the latter only without an id.
        """
        value, before, retries = self._commit(op_id)
        if value is None:
            # CountResult, whatever comes now: a failure to read must not look like one to count.
            with suppress(StoreUnavailable):
                value = self.counter.value()
        return CountResult(value, before, retries)

    def _commit(self, op_id: str | None) -> tuple[int | None, bool, int]:
        for retries in self.backoff.attempts():
            try:
                if op_id is None:
                    return self.counter.increment(), False, retries
                expires_at = self.clock.now() + OPERATION_TTL_SECONDS
                return None, not self.counter.increment_once(op_id, expires_at), retries
            except StoreBusy as failure:
                busy = failure
        raise StoreBusy(busy.operation, busy.reason, retries + 1) from busy
