"""What does it cost to post one message to many connections?

The counter service's fan-out beside boto3 and Node's AWS SDK. Each client is a process on one core.
nginx responds to every post on another core. CPU per post is the figure to trust, because wall time
depends on what else the machine does.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final

import botocore

from . import sink
from .clients.job import Job
from .report import ROOT, Bar, Report, Row, Table, read
from .rounds import Sample, interleaved, summary

LATENCY_MS: Final = 10
COUNTER_SERVICE: Final = "counter service"
BASELINE: Final = "boto3, 64 threads"
TUNED_THREADS: Final = 16
# The fastest boto3 of those that were measured.
TUNED: Final = f"boto3, {TUNED_THREADS} threads, small CA file"
NODE: Final = "Node AWS SDK v3, 64 at once"

CPU_TIMES: Final = 35
WALL_TIMES: Final = 7


@dataclass(frozen=True, slots=True)
class Client:
    """How to start a client of the @connections API."""

    command: Sequence[str]
    concurrency: int = 0  # threads, or requests at once; the counter service has its own limits
    small_ca_file: bool = True  # False: all authorities that botocore includes, and reads often


def clients() -> dict[str, Client]:
    boto3 = [sys.executable, "-m", "bench.clients.boto3_threads"]
    node = shutil.which("node", path=f"{os.environ['PATH']}:{ROOT / '.toolchain' / 'node' / 'bin'}")
    return {
        COUNTER_SERVICE: Client([sys.executable, "-m", "bench.clients.counter_service"]),
        BASELINE: Client(boto3, 64, small_ca_file=False),
        TUNED: Client(boto3, TUNED_THREADS),
        NODE: Client([node or "node", "bench/node/post.mjs"], 64),
    }


@dataclass(frozen=True, slots=True)
class Situation:
    """One fan-out to measure."""

    name: str
    posts: int
    warm: bool  # the client's connections are open
    late: bool  # nginx responds after LATENCY_MS
    rounds: int


WARM: Final = Situation("10,000 posts, TLS, warm pool", 10_000, warm=True, late=False, rounds=3)
COLD: Final = Situation(
    f"2,000 posts, TLS, cold pool, responses after {LATENCY_MS} ms",
    *(2_000, False, True, 5),
)


def measure() -> list[Row]:
    rows = []
    for situation in (WARM, COLD):
        print(f"{situation.name} ...", file=sys.stderr, flush=True)
        with nginx() as (running, all_authorities):
            runs = {
                name: partial(run, client, situation, running, all_authorities)
                for name, client in clients().items()
            }
            samples = interleaved(runs, situation.rounds)
        for name, figures in summary(samples, COUNTER_SERVICE).items():
            rows.append({"situation": situation.name, "client": name} | figures)
    return rows


@contextmanager
def nginx() -> Iterator[tuple[sink.Sink, Path]]:
    """Run nginx on one core, and this process and its children on another.

    Yields nginx, and a file with all authorities that botocore includes and nginx's own.
    """
    before = os.sched_getaffinity(0)
    sink_core, client_core = sorted(before)[:2] if len(before) > 1 else [*before] * 2
    with (
        sink.running(sink_core, LATENCY_MS) as running,
        tempfile.NamedTemporaryFile("w", encoding="utf-8") as file,
    ):
        bundle = Path(botocore.__file__).with_name("cacert.pem")
        file.write(
            bundle.read_text(encoding="utf-8") + running.authority.read_text(encoding="utf-8")
        )
        file.flush()
        os.sched_setaffinity(0, {client_core})
        try:
            yield running, Path(file.name)
        finally:
            os.sched_setaffinity(0, before)


def run(client: Client, situation: Situation, running: sink.Sink, all_authorities: Path) -> Sample:
    """One process of the client: CPU per post (µs), wall time (s) and peak memory (MB)."""
    job = Job(
        endpoint=running.endpoint(late=situation.late),
        authority=str(running.authority if client.small_ca_file else all_authorities),
        posts=situation.posts,
        warm=situation.warm,
        concurrency=client.concurrency,
    )
    done = subprocess.run(
        client.command,
        input=json.dumps(asdict(job)),
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(client.command)} failed:\n{done.stderr}")
    sample: Sample = json.loads(done.stdout)
    return sample


def cpu_seconds(client: str) -> float:
    """CPU per post on one core, as last measured over open connections."""
    [found] = (
        row["cpu_us"]
        for row in read("fan_out")["rows"]
        if (row["situation"], row["client"]) == (WARM.name, client)
    )
    seconds: float = found / 1e6
    return seconds


def report(rows: list[Row]) -> Report:
    found = {(row["situation"], row["client"]): row for row in rows}
    cpu = [found[WARM.name, client]["cpu_us_ratio"] for client in (BASELINE, TUNED)]
    wall, best = min((found[COLD.name, name]["wall_ratio"], name) for name in (BASELINE, TUNED))
    bars = [
        Bar(
            f"{WARM.name}: {CPU_TIMES} times the posts per CPU-second of {BASELINE}",
            f"{cpu[0]:.1f} times; {cpu[1]:.1f} times those of {TUNED}",
            cpu[0] >= CPU_TIMES,
        ),
        Bar(
            f"{COLD.name}: at most 1/{WALL_TIMES} of boto3's best wall time",
            f"1/{wall:.1f} of {best}",
            wall >= WALL_TIMES,
        ),
    ]
    return Report([_table(each.name, rows) for each in (WARM, COLD)], bars)


def _table(situation: str, rows: list[Row]) -> Table:
    rows = [row for row in rows if row["situation"] == situation]
    return Table(
        situation,
        [
            *("client", "CPU per post, µs", "posts per CPU-second", "CPU, times ours"),
            *("wall, s", "wall, times ours", "peak memory, MB"),
        ],
        [
            [
                row["client"],
                f"{row['cpu_us']:,.1f}" if row["cpu_us"] < 100 else f"{row['cpu_us']:,.0f}",
                f"{1e6 / row['cpu_us']:,.0f}",
                f"{row['cpu_us_ratio']:.1f}",
                f"{row['wall']:.2f}",
                f"{row['wall_ratio']:.1f}",
                f"{row['peak_mb']:.0f}",
            ]
            for row in rows
        ],
        f"Medians of {rows[0]['rounds']} rounds.",
    )
