"""Virtual time: blocking code runs in threads, one at a time, in an order that a clock determines.

A process is ordinary code in a thread of its own. It runs until it waits, and then the next due
call runs. So a thousand invocations interleave exactly at the calls that would block, in the same
order in each run, and an hour takes only as long as its computations.
"""

import heapq
import threading
from collections.abc import Callable
from itertools import count
from typing import TypeVar

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
        self._stopped = threading.Lock()  # released when the process that runs waits or ends
        self._stopped.acquire()
        self._turn: threading.Lock | None = None  # of the process that runs
        self._failure: BaseException | None = None

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        """Schedule a call. It may schedule others and start processes, but not wait."""
        heapq.heappush(self._due, (self.now + seconds, next(self._numbers), call))

    def start(self, work: Callable[[], object]) -> None:
        """Schedule a process for now."""
        turn = threading.Lock()
        turn.acquire()

        def run() -> None:
            turn.acquire()
            started = self.now
            try:
                work()
            except BaseException as failure:  # noqa: BLE001  # raised by run()
                self._failure = failure
            self.process_seconds += self.now - started
            self._stopped.release()

        def begin() -> None:
            threading.Thread(target=run, daemon=True).start()
            self._hand_over(turn)

        self.after(0, begin)

    def wait(self, begin: Callable[[Callable[[T], None]], None]) -> T:
        """Block the current process until the callback is called. Returns the callback's argument.

        Args:
            begin: Called with the callback, which it must schedule.
        """
        turn = self._turn
        if turn is None:
            raise RuntimeError("Only a process can wait. Start one with Timeline.start().")
        results: list[T] = []

        def resume(result: T) -> None:
            results.append(result)
            self._hand_over(turn)

        begin(resume)
        self._stopped.release()
        turn.acquire()
        return results[0]

    def sleep(self, seconds: float) -> None:
        """Block the current process."""

        def begin(resume: Callable[[bool], None]) -> None:
            self.after(seconds, lambda: resume(True))

        self.wait(begin)

    def run(self) -> None:
        """Run until no call is left. Raises the exception of a process."""
        while self._due and self._failure is None:
            self.now, _, call = heapq.heappop(self._due)
            call()
        if self._failure is not None:
            raise self._failure

    def _hand_over(self, turn: threading.Lock) -> None:
        self._turn = turn
        turn.release()
        self._stopped.acquire()
        self._turn = None
