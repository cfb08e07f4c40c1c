"""Virtual time: processes block and run one at a time, in an order that a clock determines.

A process is ordinary code in a greenlet of its own. It runs until it waits, and then the next due
call runs. So a thousand invocations interleave exactly at the calls that would block, in the same
order in each run, and an hour takes only as long as its computations.
"""

import heapq
from collections.abc import Callable
from itertools import count
from typing import TypeVar

from greenlet import getcurrent, greenlet

T = TypeVar("T")


class Timeline:
    """A queue of calls, and the processes that wait for them.

    Attributes:
        now: Seconds since the start. It changes only inside `run`.
        process_seconds: Sum of the times from start to end of all processes.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.process_seconds = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()  # calls that are due at the same moment run in this order
        self._loop: greenlet | None = None  # in `run`, which starts and continues the processes

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        """Schedule a call. It may schedule others and start processes, but not wait."""
        heapq.heappush(self._due, (self.now + seconds, next(self._numbers), call))

    def start(self, work: Callable[[], object]) -> None:
        """Schedule a process for now."""

        def process() -> None:
            started = self.now
            work()
            self.process_seconds += self.now - started

        self.after(0, lambda: greenlet(process, parent=self._loop).switch())

    def wait(self, begin: Callable[[Callable[[T], None]], None]) -> T:
        """Block the current process until the callback is called. Returns the callback's argument.

        Args:
            begin: Called with the callback, which it must schedule.
        """
        process, loop = getcurrent(), self._loop
        if loop is None or process.parent is not loop:
            raise RuntimeError("Only a process can wait. Start one with Timeline.start().")
        begin(process.switch)
        result: T = loop.switch()
        return result

    def sleep(self, seconds: float) -> None:
        """Block the current process."""

        def begin(resume: Callable[[bool], None]) -> None:
            self.after(seconds, lambda: resume(True))

        self.wait(begin)

    def run(self) -> None:
        """Run until no call is left. Raises the exception of a process."""
        self._loop = getcurrent()
        while self._due:
            self.now, _, call = heapq.heappop(self._due)
            call()
