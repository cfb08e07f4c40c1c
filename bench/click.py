"""How long after a click does its sender have the response, and every client the new value?

Two stacks on the embedded AWS (MiniStack), with real WebSocket clients in one process: the graph's
own function, and the same graph with the baseline's handler. Each has its own emulator, and they
take turns. The floor is the emulator's share: the same message posted to every client in a loop,
without a function. The floor is high, because MiniStack is one Python process that forwards every
post.
"""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

from .report import ROOT, Report, Row, Table
from .rounds import Samples, summary

SIZES: Final = (10, 50, 200)
ROUNDS: Final = 15
BASELINE, COUNTER_SERVICE, FLOOR = "baseline", "counter service", "floor"


def measure() -> list[Row]:
    python = ROOT / ".venv" / "bin" / "python"  # its environment has the emulator
    command: list[str | Path] = [python, "-W", "ignore", "-m", "bench.click_probe", str(ROUNDS)]
    command += map(str, SIZES)
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    found: dict[str, Samples] = json.loads(done.stdout.splitlines()[-1])
    return [
        {"clients": int(size), "peer": peer} | figures
        for size, samples in found.items()
        for peer, figures in summary(samples, COUNTER_SERVICE).items()
    ]


def report(rows: list[Row]) -> Report:
    sizes: dict[int, dict[str, Any]] = {}
    for row in rows:
        sizes.setdefault(row["clients"], {})[row["peer"]] = row
    return Report(
        [
            Table(
                "Time after a click on the embedded AWS, ms",
                [
                    *("", "sender, baseline", "sender, ours", "baseline / ours"),
                    *("everyone, baseline", "everyone, ours", "baseline / ours", "floor"),
                ],
                [
                    [
                        f"{size:,} clients",
                        *(_ms(peers[name]["sender"]) for name in (BASELINE, COUNTER_SERVICE)),
                        f"{peers[BASELINE]['sender_ratio']:.1f}",
                        *(_ms(peers[name]["everyone"]) for name in (BASELINE, COUNTER_SERVICE)),
                        f"{peers[BASELINE]['everyone_ratio']:.1f}",
                        _ms(peers[FLOOR]["everyone"]),
                    ]
                    for size, peers in sizes.items()
                ],
                f"Medians of {rows[0]['rounds']} clicks each, alternating. Ratios are medians of "
                "the ratios within a round. The floor is the emulator itself: a loop of posts to "
                "every client, without a function.",
            )
        ]
    )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f}"
