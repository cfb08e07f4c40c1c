from collections.abc import Callable

import pytest

from simulation.timeline import Timeline


def test_timeline_interleaves_processes_where_they_wait() -> None:
    timeline = Timeline()
    seen: list[tuple[str, float]] = []

    def process(name: str, pause: float) -> None:
        for _ in range(3):
            seen.append((name, timeline.now))
            timeline.sleep(pause)

    timeline.start(lambda: process("a", 1))
    timeline.start(lambda: process("b", 1.5))
    timeline.run()
    assert seen == [("a", 0), ("b", 0), ("a", 1), ("b", 1.5), ("a", 2), ("b", 3)]
    assert timeline.now == 4.5
    assert timeline.process_seconds == 3 + 4.5


def test_timeline_wait_returns_the_argument_of_its_callback() -> None:
    timeline = Timeline()
    results: list[str] = []

    def begin(resume: Callable[[str], None]) -> None:
        timeline.after(7, lambda: resume("yes"))

    timeline.start(lambda: results.append(timeline.wait(begin)))
    timeline.run()
    assert (results, timeline.now) == (["yes"], 7)


def test_timeline_run_raises_the_exception_of_a_process() -> None:
    timeline = Timeline()

    def fail() -> None:
        timeline.sleep(1)
        raise ValueError("from the process")

    timeline.start(fail)
    with pytest.raises(ValueError, match="from the process"):
        timeline.run()


def test_timeline_sleep_raises_outside_of_a_process() -> None:
    with pytest.raises(RuntimeError, match="Only a process"):
        Timeline().sleep(1)
