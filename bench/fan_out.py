"""What does it cost to post one payload to many connections?

The engine stands beside what people use for it today: boto3 one by one and in threads,
aiobotocore, and Node's AWS SDK. Each poster is a process of its own on one core, nginx is on the
other, and every post is answered. CPU per post is the figure to trust: wall time also counts what
else the machine did.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final

import botocore

from counter_service.runtime import contract

from . import rounds, sink
from .posters import job
from .report import ROOT, Bar, Report, Table
from .rounds import Sample

LATENCY_MS: Final = 10
OURS: Final = "ours"
SDK_THREADS: Final = "boto3, 64 threads"
SDK_TUNED: Final = "boto3, 64 threads, small CA file"


@dataclass(frozen=True, slots=True)
class Poster:
    program: Sequence[str]
    concurrency: int
    few_authorities: bool = True  # trusts a handful, or every authority that the SDK comes with


def posters() -> dict[str, Poster]:
    sdk = [sys.executable, "-m", "bench.posters.sdk"]
    node = shutil.which("node", path=f"{os.environ['PATH']}:{ROOT / '.toolchain' / 'node' / 'bin'}")
    return {
        OURS: Poster([sys.executable, "-m", "bench.posters.ours"], 0),
        "boto3, one by one": Poster(sdk, 1, few_authorities=False),
        "boto3, 16 threads": Poster(sdk, 16, few_authorities=False),
        SDK_THREADS: Poster(sdk, 64, few_authorities=False),
        "boto3, 16 threads, small CA file": Poster(sdk, 16),
        SDK_TUNED: Poster(sdk, 64),
        "aiobotocore, 64 tasks": Poster([sys.executable, "-m", "bench.posters.aio_sdk"], 64),
        "Node AWS SDK v3, 64 at once": Poster([node or "node", "bench/node/post.mjs"], 64),
    }


@dataclass(frozen=True, slots=True)
class Situation:
    posts: int
    scheme: str
    warm: bool
    late: bool = False
    rounds: int = 3

    @property
    def name(self) -> str:
        parts = [
            f"{self.posts:,} posts",
            "TLS" if self.scheme == "https" else "http",
            "warm pool" if self.warm else "cold pool",
            *([f"answers after {LATENCY_MS} ms"] if self.late else []),
        ]
        return ", ".join(parts)


CPU_BAR: Final = Situation(10_000, "https", warm=True)
WALL_BAR: Final = Situation(2_000, "https", warm=False, late=True, rounds=5)
SITUATIONS: Final = (
    CPU_BAR,
    Situation(10_000, "https", warm=True, late=True),
    Situation(10_000, "http", warm=True),
    WALL_BAR,
    Situation(2_000, "https", warm=True, late=True),
    Situation(2_000, "https", warm=True),
    Situation(2_000, "https", warm=False),
    Situation(2_000, "http", warm=True, late=True),
    Situation(2_000, "http", warm=False, late=True),
    Situation(2_000, "http", warm=True),
    Situation(2_000, "http", warm=False),
)
MEMORY_ROUNDS: Final = 5

CPU_TIMES: Final = 35
WALL_TIMES: Final = 7
MEMORY_MB: Final = 20


def main() -> None:
    measured = {}
    for situation in SITUATIONS:
        print(f"{situation.name} ...", file=sys.stderr, flush=True)
        measured[situation] = measure(situation)
    memory = [measure_memory() for _ in range(MEMORY_ROUNDS)]
    report(measured, memory).publish()


def measure(situation: Situation) -> dict[str, list[Sample]]:
    """Every poster's samples in one situation."""
    with places() as (running, everyone):
        runs = {
            name: partial(_run, poster.program, _task(poster, situation, running, everyone))
            for name, poster in posters().items()
            # One by one, latency is all that there is to see.
            if poster.concurrency != 1 or not situation.late
        }
        return rounds.interleaved(runs, situation.rounds)


def measure_memory(posts: int = 10_000) -> Sample:
    """Megabytes of the idle handler, and how many more a fan-out takes at most."""
    with places(job.ids(posts)) as (running, _):
        task = job.Job(running.endpoint("https"), str(running.authority), posts, False, 0)
        environment = {
            "AWS_ACCESS_KEY_ID": job.ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": job.SECRET_KEY,
            "AWS_SESSION_TOKEN": job.TOKEN,
            "AWS_REGION": job.REGION,
            "AWS_DEFAULT_REGION": job.REGION,
            "AWS_LAMBDA_FUNCTION_NAME": "websocket",
            "AWS_ENDPOINT_URL_DYNAMODB": f"http://{sink.HOST}:{running.http}",
            contract.ENV_CONNECTIONS_TABLE: "connections",
            contract.ENV_COUNTER_TABLE: "counter",
            contract.ENV_MANAGEMENT_ENDPOINT: task.endpoint,
        }
        return _run([sys.executable, "-m", "bench.posters.handler"], task, environment)


@contextmanager
def places(audience: Iterable[str] = ()) -> Iterator[tuple[sink.Sink, Path]]:
    """The sink on one core and this process, with its children, on another; and a file that trusts
    the sink beside all authorities that the SDK comes with."""
    before = os.sched_getaffinity(0)
    sink_core, client_core = sorted(before)[:2] if len(before) > 1 else [*before] * 2
    with (
        sink.running(sink_core, LATENCY_MS, audience) as running,
        tempfile.NamedTemporaryFile("w") as everyone,
    ):
        bundle = Path(botocore.__file__).with_name("cacert.pem")
        everyone.write(bundle.read_text() + running.authority.read_text())
        everyone.flush()
        os.sched_setaffinity(0, {client_core})
        try:
            yield running, Path(everyone.name)
        finally:
            os.sched_setaffinity(0, before)


def _task(poster: Poster, situation: Situation, running: sink.Sink, everyone: Path) -> job.Job:
    return job.Job(
        endpoint=running.endpoint(situation.scheme, late=situation.late),
        authority=str(running.authority if poster.few_authorities else everyone),
        posts=situation.posts,
        warm=situation.warm,
        concurrency=poster.concurrency,
    )


def _run(
    program: Sequence[str], task: job.Job, environment: Mapping[str, str] | None = None
) -> Sample:
    done = subprocess.run(
        program,
        input=json.dumps(asdict(task)),
        cwd=ROOT,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(program)} failed:\n{done.stderr}")
    sample: Sample = json.loads(done.stdout)
    return sample


def report(measured: Mapping[Situation, dict[str, list[Sample]]], memory: list[Sample]) -> Report:
    tables = [_table(situation, samples) for situation, samples in measured.items()]
    bars = []
    if samples := measured.get(CPU_BAR):
        times = rounds.ratio(samples[OURS], samples[SDK_THREADS], "cpu_us")
        tuned = rounds.ratio(samples[OURS], samples[SDK_TUNED], "cpu_us")
        bars.append(
            Bar(
                f"{CPU_BAR.name}: {CPU_TIMES} times the posts per CPU-second of {SDK_THREADS}",
                f"{times:.1f} times; {tuned:.1f} times with a small CA file",
                times >= CPU_TIMES,
            )
        )
    if samples := measured.get(WALL_BAR):
        best, times = min(
            (
                (name, rounds.ratio(samples[OURS], theirs, "wall"))
                for name, theirs in samples.items()
                if name.startswith("boto3")
            ),
            key=lambda each: each[1],
        )
        bars.append(
            Bar(
                f"{WALL_BAR.name}: at most 1/{WALL_TIMES} of boto3's best wall time",
                f"1/{times:.1f} of {best}",
                times >= WALL_TIMES,
            )
        )
    over_idle = rounds.middle(memory, "over_idle_mb")
    bars.append(
        Bar(
            f"10,000 posts: at most {MEMORY_MB} MB over the idle handler",
            f"{over_idle:.1f} MB over {rounds.middle(memory, 'idle_mb'):.1f} MB",
            over_idle <= MEMORY_MB,
        )
    )
    samples_by_name = {situation.name: samples for situation, samples in measured.items()}
    return Report("fan_out", tables, bars, {"samples": samples_by_name, "memory": memory})


def _table(situation: Situation, samples: dict[str, list[Sample]]) -> Table:
    columns = (
        *("client", "CPU a post, µs", "posts per CPU-second", "CPU, times ours"),
        *("wall, s", "wall, times ours", "peak memory, MB"),
    )
    rows = []
    for name, theirs in samples.items():
        cpu_us = rounds.middle(theirs, "cpu_us")
        rows.append(
            (
                name,
                f"{cpu_us:,.1f}" if cpu_us < 100 else f"{cpu_us:,.0f}",
                f"{1e6 / cpu_us:,.0f}",
                f"{rounds.ratio(samples[OURS], theirs, 'cpu_us'):.1f}",
                f"{rounds.middle(theirs, 'wall'):.2f}",
                f"{rounds.ratio(samples[OURS], theirs, 'wall'):.1f}",
                f"{rounds.middle(theirs, 'peak_mb'):.0f}",
            )
        )
    return Table(situation.name, columns, rows, f"Medians of {situation.rounds} rounds.")
