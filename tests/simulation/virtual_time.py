"""Many tasks in an order that a seed decides, in a time that passes only while all of them wait.

Tasks are threads of which one runs at a time, from one wait to the next: so they may be the
product's own code, and a run with the same seed is the same run.
"""

import heapq
from collections.abc import Callable
from itertools import count
from threading import Semaphore, Thread, current_thread

from counter_service.runtime.ports import Clock

START_MS = 1_772_545_400_000


class Killed(BaseException):
    """The process is gone: nothing catches this, and no more code of the task runs."""


class _Task(Thread):
    def __init__(self, work: Callable[[], None], dies_after: int | None, ends: Semaphore) -> None:
        super().__init__(daemon=True)
        self.turn = Semaphore(0)
        self.waits_left = dies_after
        self.failure: BaseException | None = None
        self._work = work
        self._ends = ends

    def run(self) -> None:
        self.turn.acquire()
        try:
            self._work()
        except Killed:
            pass
        except BaseException as failure:  # noqa: BLE001  # `VirtualTime.run` raises it
            self.failure = failure
        self._ends.release()


class VirtualTime(Clock):
    """`died` are the tasks that were killed so far."""

    def __init__(self) -> None:
        self.died = 0
        self.ms = float(START_MS)
        self._waiting: list[tuple[float, int, _Task]] = []
        self._order = count()
        self._main = Semaphore(0)

    def spawn(
        self, work: Callable[[], None], after: float = 0, dies_after: int | None = None
    ) -> None:
        """Begin a task `after` so many milliseconds; it is killed in its n-th wait if there is
        `dies_after`."""
        task = _Task(work, dies_after, self._main)
        self._wake(task, after)
        task.start()

    def wait(self, ms: float) -> None:
        """Let others run meanwhile. Raises Killed when the task's time has come."""
        task = current_thread()
        assert isinstance(task, _Task)
        self.hold(ms)
        if task.waits_left is not None:
            task.waits_left -= 1
            if task.waits_left == 0:
                self.died += 1
            if task.waits_left <= 0:
                raise Killed

    def hold(self, ms: float) -> None:
        """The same, where it is not the task's own process that waits."""
        task = current_thread()
        assert isinstance(task, _Task)
        self._wake(task, ms)
        self._main.release()
        task.turn.acquire()

    def run(self) -> None:
        """Until no task is left. Raises what a task raised."""
        while self._waiting:
            self.ms, _, task = heapq.heappop(self._waiting)
            task.turn.release()
            self._main.acquire()
            if task.failure:
                raise task.failure

    def _wake(self, task: _Task, after: float) -> None:
        heapq.heappush(self._waiting, (self.ms + after, next(self._order), task))

    def now(self) -> int:
        return int(self.ms // 1000)

    def milliseconds(self) -> int:
        return int(self.ms)

    def sleep_until(self, milliseconds: int) -> None:
        self.wait(max(0.0, milliseconds - self.ms))
