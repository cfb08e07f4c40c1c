from collections.abc import Callable

import pytest

from simulation.timeline import Timeline


def test_processes_interleave_where_they_wait() -> None:
    timeline = Timeline()
    seen: list[tuple[str, float]] = []

    def process(name: str, pause: float) -> None:
        for _ in range(3):
            seen.append((name, timeline.now))
            timeline.sleep(pause)

    timeline.start(lambda: process("quick", 1))
    timeline.start(lambda: process("slow", 1.5))
    timeline.run()
    assert seen == [
        *(("quick", 0), ("slow", 0), ("quick", 1), ("slow", 1.5), ("quick", 2), ("slow", 3)),
    ]
    assert timeline.now == 4.5
    assert timeline.process_seconds == 3 + 4.5


def test_a_wait_gives_the_answer() -> None:
    timeline = Timeline()
    answers: list[str] = []

    def ask(resume: Callable[[str], None]) -> None:
        timeline.after(7, lambda: resume("yes"))

    timeline.start(lambda: answers.append(timeline.wait(ask)))
    timeline.run()
    assert (answers, timeline.now) == (["yes"], 7)


def test_what_a_process_raises_ends_the_run() -> None:
    timeline = Timeline()

    def fail() -> None:
        timeline.sleep(1)
        raise ValueError("in the middle of it")

    timeline.start(fail)
    with pytest.raises(ValueError, match="in the middle of it"):
        timeline.run()


def test_only_a_process_waits() -> None:
    with pytest.raises(RuntimeError, match="only a process"):
        Timeline().sleep(1)
