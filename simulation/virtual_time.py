"""The runtime's clock on a timeline. A process may be killed while it waits."""

from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from functools import partial

from counter_service.runtime.core.ports import Clock

from .timeline import Timeline

START_MS = 1_772_545_400_000


class Killed(BaseException):
    """Ends a process that is killed. The runtime never catches a BaseException."""


# Until the current process is killed. None: it is not killed. Each greenlet has a context.
_waits_left: ContextVar[int | None] = ContextVar("waits_left", default=None)


class VirtualTime(Clock):
    """The clock of every process on a timeline.

    Attributes:
        killed: Number of processes that were killed so far.
    """

    def __init__(self, timeline: Timeline | None = None) -> None:
        self.killed = 0
        self._timeline = timeline or Timeline()

    @property
    def ms(self) -> float:
        return START_MS + self._timeline.now * 1000

    def spawn(
        self, work: Callable[[], None], after_ms: float = 0, kill_in_wait: int | None = None
    ) -> None:
        """Start a process later, and kill it in its wait with this number, from 1."""

        def run() -> None:
            _waits_left.set(kill_in_wait)
            with suppress(Killed):
                work()

        self._timeline.after(after_ms / 1000, partial(self._timeline.start, run))

    def wait(self, ms: float) -> None:
        """Let other processes run. Raises Killed if this process is killed meanwhile."""
        self.hold(ms)
        if (left := _waits_left.get()) is not None:
            _waits_left.set(left - 1)
            if left == 1:
                self.killed += 1
            if left <= 1:
                raise Killed

    def hold(self, ms: float) -> None:
        """Let other processes run, in a wait in which this process cannot be killed."""
        self._timeline.sleep(ms / 1000)

    def run(self) -> None:
        """Run until no process is left. Raises the exception of a process."""
        self._timeline.run()

    def now_s(self) -> int:
        return int(self.ms // 1000)

    def now_ms(self) -> int:
        return int(self.ms)

    def sleep_until_ms(self, moment_ms: int) -> None:
        self.wait(max(0.0, moment_ms - self.ms))
