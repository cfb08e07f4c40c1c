"""Virtual time: code that blocks runs in threads, one at a time, and only the clock says when.

A process is ordinary code in a thread of its own. It runs until it waits; then whatever is due
next runs. So a thousand invocations interleave exactly at the calls on which they would wait,
in the same order each time, and an hour passes as fast as it can be computed.
"""

import heapq
import threading
from collections.abc import Callable
from itertools import count
from typing import TypeVar

Answer = TypeVar("Answer")


class Timeline:
    """`now` is in seconds and moves only inside of `run`. `process_seconds` is the time from begin
    to end of all processes together."""

    def __init__(self) -> None:
        self.now = 0.0
        self.process_seconds = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()  # what is due at the same moment happens in the order of planning
        self._baton = threading.Lock()  # held while a process runs
        self._baton.acquire()
        self._turn: threading.Lock | None = None  # of the process that runs
        self._failure: BaseException | None = None

    def after(self, seconds: float, happen: Callable[[], None]) -> None:
        """Plan a call. It may plan others and start processes, but not wait."""
        heapq.heappush(self._due, (self.now + seconds, next(self._numbers), happen))

    def start(self, work: Callable[[], object]) -> None:
        """Plan a process for this moment."""
        turn = threading.Lock()
        turn.acquire()

        def run() -> None:
            turn.acquire()
            began = self.now
            try:
                work()
            except BaseException as failure:  # noqa: BLE001  # raised by run()
                self._failure = failure
            self.process_seconds += self.now - began
            self._baton.release()

        def begin() -> None:
            threading.Thread(target=run, daemon=True).start()
            self._hand_over(turn)

        self.after(0, begin)

    def wait(self, begin: Callable[[Callable[[Answer], None]], None]) -> Answer:
        """Inside of a process: stop until what `begin` sets going calls back, with the answer."""
        turn = self._turn
        if turn is None:
            raise RuntimeError("only a process can wait: Timeline.start() makes one")
        answers: list[Answer] = []

        def resume(answer: Answer) -> None:
            answers.append(answer)
            self._hand_over(turn)

        begin(resume)
        self._baton.release()
        turn.acquire()
        return answers[0]

    def sleep(self, seconds: float) -> None:
        """Inside of a process."""

        def begin(resume: Callable[[bool], None]) -> None:
            self.after(seconds, lambda: resume(True))

        self.wait(begin)

    def run(self) -> None:
        """Until nothing is due any more. Raises what a process raised."""
        while self._due and self._failure is None:
            self.now, _, happen = heapq.heappop(self._due)
            happen()
        if self._failure is not None:
            raise self._failure

    def _hand_over(self, turn: threading.Lock) -> None:
        self._turn = turn
        turn.release()
        self._baton.acquire()
        self._turn = None
