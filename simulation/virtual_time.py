"""A clock on a timeline for the product's own code. A process may be killed while it waits."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import local

from counter_service.runtime.core.ports import Clock

from .timeline import Timeline

START_MS = 1_772_545_400_000


class Killed(BaseException):
    """The process is dead: nothing catches this, so none of its code runs any more."""


class _Process(local):
    """The process of the current thread."""

    waits_left: int | None = None  # until it is killed; None: never


class VirtualTime(Clock):
    """The clock of every process on a timeline.

    Attributes:
        died: Number of processes that were killed so far.
    """

    def __init__(self, timeline: Timeline | None = None) -> None:
        self.died = 0
        self._timeline = timeline or Timeline()
        self._process = _Process()

    @property
    def ms(self) -> float:
        return START_MS + self._timeline.now * 1000

    def spawn(
        self, work: Callable[[], None], after: float = 0, dies_after: int | None = None
    ) -> None:
        """Start a process `after` milliseconds, and kill it in its wait number `dies_after`."""
        process = partial(self._live, work, dies_after)
        self._timeline.after(after / 1000, partial(self._timeline.start, process))

    def _live(self, work: Callable[[], None], dies_after: int | None) -> None:
        self._process.waits_left = dies_after
        with suppress(Killed):
            work()

    def wait(self, ms: float) -> None:
        """Let other processes run meanwhile. Raises Killed when this process dies."""
        self.hold(ms)
        if self._process.waits_left is not None:
            self._process.waits_left -= 1
            if self._process.waits_left == 0:
                self.died += 1
            if self._process.waits_left <= 0:
                raise Killed

    def hold(self, ms: float) -> None:
        """Let other processes run meanwhile, in a wait in which this process cannot die."""
        self._timeline.sleep(ms / 1000)

    def run(self) -> None:
        """Run until no process is left. Raises what a process raised."""
        self._timeline.run()

    def now_s(self) -> int:
        return int(self.ms // 1000)

    def now_ms(self) -> int:
        return int(self.ms)

    def sleep_until_ms(self, moment_ms: int) -> None:
        self.wait(max(0.0, moment_ms - self.ms))
