"""A clock for the product's own code, on a timeline; a process may be killed while it waits."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from threading import local

from counter_service.runtime.core.ports import Clock

from .timeline import Timeline

START_MS = 1_772_545_400_000


class Killed(BaseException):
    """The process is gone: nothing catches this, and no more code of it runs."""


class _Fate(local):
    """Of the process in whose thread it is asked: the waits that it has left."""

    waits_left: int | None = None


class VirtualTime(Clock):
    """`died` are the processes that were killed so far. A timeline of one's own may have processes
    that know nothing of this clock."""

    def __init__(self, timeline: Timeline | None = None) -> None:
        self.died = 0
        self._timeline = timeline or Timeline()
        self._fate = _Fate()

    @property
    def ms(self) -> float:
        return START_MS + self._timeline.now * 1000

    def spawn(
        self, work: Callable[[], None], after: float = 0, dies_after: int | None = None
    ) -> None:
        """Begin a process `after` so many milliseconds; it is killed in its n-th wait if there is
        `dies_after`."""
        process = partial(self._live, work, dies_after)
        self._timeline.after(after / 1000, partial(self._timeline.start, process))

    def _live(self, work: Callable[[], None], dies_after: int | None) -> None:
        self._fate.waits_left = dies_after
        with suppress(Killed):
            work()

    def wait(self, ms: float) -> None:
        """Let others run meanwhile. Raises Killed when the process's time has come."""
        self.hold(ms)
        if self._fate.waits_left is not None:
            self._fate.waits_left -= 1
            if self._fate.waits_left == 0:
                self.died += 1
            if self._fate.waits_left <= 0:
                raise Killed

    def hold(self, ms: float) -> None:
        """The same, where it is not the process's own computer that waits."""
        self._timeline.sleep(ms / 1000)

    def run(self) -> None:
        """Until no process is left. Raises what a process raised."""
        self._timeline.run()

    def now(self) -> int:
        return int(self.ms // 1000)

    def milliseconds(self) -> int:
        return int(self.ms)

    def sleep_until(self, milliseconds: int) -> None:
        self.wait(max(0.0, milliseconds - self.ms))
