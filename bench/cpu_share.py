"""Does a process with a share of a core take as long as the simulations assume?

They divide the CPU that a post takes on a whole core by memoryMb / 1,769. This benchmark runs
processes with a CPU quota of this share: our fan-out over open connections, and our first click
after a cold start. In Lambda the init phase has a whole core, so the first click is limited and
init is not.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from counter_service.costs.units import CPU_MEMORY_MB, core_share

from . import cold_start, cpu_quota, fan_out
from .report import Bar, Report, Row, Table
from .rounds import Sample, interleaved
from .simulated_gateway import QUOTA
from .simulated_service import MEMORY_MB
from .sink import Sink

MEMORIES_MB: Final = (256, 512, 1024, CPU_MEMORY_MB)
FAN_OUT, FIRST_CLICK = fan_out.WARM.name, "first click of a cold start"
ROUNDS: Final = {FAN_OUT: 7, FIRST_CLICK: 15}


def measure() -> list[Row]:
    with ExitStack() as stack:
        groups = {
            memory_mb: stack.enter_context(cpu_quota.group(core_share(memory_mb)))
            for memory_mb in MEMORIES_MB
        }
        running, all_authorities = stack.enter_context(fan_out.nginx())
        archive = stack.enter_context(cold_start.archives())[cold_start.COUNTER_SERVICE]
        return [
            *_measure(FAN_OUT, partial(_fan_out, running, all_authorities), groups),
            *_measure(FIRST_CLICK, partial(_first_click, archive), groups),
        ]


def _measure(work: str, sample: Callable[[Path], Sample], groups: Mapping[int, Path]) -> list[Row]:
    print(f"{work} ...", file=sys.stderr, flush=True)
    peers = {str(memory_mb): partial(sample, members) for memory_mb, members in groups.items()}
    samples = interleaved(peers, ROUNDS[work])
    return compared(work, {int(memory_mb): runs for memory_mb, runs in samples.items()})


def _fan_out(running: Sink, all_authorities: Path, members: Path) -> Sample:
    client = fan_out.clients()[fan_out.COUNTER_SERVICE]
    limited = replace(client, command=cpu_quota.within(members, client.command))
    found = fan_out.run(limited, fan_out.WARM, running, all_authorities)
    return {"cpu": found["cpu_us"] * fan_out.WARM.posts / 1e6, "wall": found["wall"]}


def _first_click(archive: cold_start.Archive, members: Path) -> Sample:
    found = cold_start.start(archive, members)
    return {"cpu": found["first cpu"], "wall": found["first wall"]}


def compared(work: str, samples: Mapping[int, Sequence[Sample]]) -> list[Row]:
    """The medians of CPU and wall times for each memory, in seconds, beside the model's wall time.

    The model's is the CPU time with a whole core in the same round, divided by the share.
    """
    rows = []
    for memory_mb, runs in samples.items():
        models = [run["cpu"] / core_share(memory_mb) for run in samples[CPU_MEMORY_MB]]
        pairs = zip(runs, models, strict=True)
        figures = {
            "cpu": median(run["cpu"] for run in runs),
            "wall": median(run["wall"] for run in runs),
            "model": median(models),
            "wall_to_model": median(run["wall"] / model for run, model in pairs),
        }
        rows.append({"work": work, "memory_mb": memory_mb, "rounds": len(runs)} | figures)
    return rows


def report(rows: list[Row]) -> Report:
    [default] = [row for row in rows if (row["work"], row["memory_mb"]) == (FAN_OUT, MEMORY_MB)]
    rate, required = fan_out.WARM.posts / default["wall"], QUOTA.default_posts_per_second
    return Report(
        [_table(work, [row for row in rows if row["work"] == work]) for work in ROUNDS],
        [
            Bar(
                f"{MEMORY_MB} MB, the default, are enough for {required:,} posts/s, the default of "
                "postsPerSecond in most regions",
                f"{rate:,.0f} posts/s",
                rate >= required,
            )
        ],
    )


def _table(work: str, rows: list[Row]) -> Table:
    return Table(
        work,
        ["memoryMb (and its share of a core)", "CPU, ms", "wall, ms", "model, ms", "wall / model"],
        [
            [
                f"{row['memory_mb']:,} ({core_share(row['memory_mb']):.2f})",
                *(f"{row[figure] * 1000:,.0f}" for figure in ("cpu", "wall", "model")),
                f"{row['wall_to_model']:.2f}",
            ]
            for row in rows
        ],
        f"Medians of {rows[0]['rounds']} rounds. The quota is renewed every "
        f"{cpu_quota.PERIOD_US / 1000:.0f} ms. Model: the CPU with {CPU_MEMORY_MB:,} MB in the "
        "same round, divided by the share.",
    )
