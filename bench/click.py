"""How long from a click until the sender has its answer, and until everyone has the new value?

The graph's own function on the embedded AWS (MiniStack), with real WebSocket clients in one
process; beside it the same graph with the handler as the tutorials write it. Each has an emulator
of its own, and clicks take turns. The floor is the emulator's own share: the same message posted
to everyone in a loop, without any function. It is large, since MiniStack is one Python process that
carries every post; on AWS the path is another, and the figures say only who waits for what.
"""

import json
import subprocess
from typing import Any, Final

from .report import ROOT, Report, Table
from .rounds import Sample, middle, ratio

SIZES: Final = (10, 50, 200)
ROUNDS: Final = 15

Found = dict[int, dict[str, list[Sample]]]


def main(sizes: tuple[int, ...] = SIZES, rounds: int = ROUNDS) -> None:
    python = ROOT / ".venv" / "bin" / "python"  # has the emulator
    done = subprocess.run(
        [python, "-W", "ignore", "-m", "bench.click_probe", str(rounds), *map(str, sizes)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    report({int(size): samples for size, samples in answer.items()}).publish()


def report(found: Found) -> Report:
    rows = []
    for size, samples in found.items():
        ours, usual = samples["ours"], samples["usual"]
        rows.append(
            [
                f"{size:,} clients",
                *(_ms(middle(runs, "answer")) for runs in (usual, ours)),
                f"{ratio(ours, usual, 'answer'):.1f}",
                *(_ms(middle(runs, "everyone")) for runs in (usual, ours)),
                f"{ratio(ours, usual, 'everyone'):.1f}",
                _ms(middle(samples["floor"], "everyone")),
            ]
        )
    rounds = len(next(iter(found.values()))["ours"])
    return Report(
        "click",
        [
            Table(
                "From a click on the embedded AWS, ms",
                [
                    *("", "sender, usual", "sender, ours", "usual / ours"),
                    *("everyone, usual", "everyone, ours", "usual / ours", "floor"),
                ],
                rows,
                f"Medians of {rounds} clicks each, in turns; ratios are medians of those within a "
                "round. The floor is the emulator alone: a loop of posts to everyone without a "
                "function.",
            )
        ],
        data={
            str(size): {
                name: {figure: middle(runs, figure) for figure in runs[0]}
                for name, runs in samples.items()
            }
            for size, samples in found.items()
        },
    )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f}"
