"""What does it cost to post one payload to many connections?

The engine stands beside what people use for it today: boto3 one by one and in threads, aiobotocore,
and Node's AWS SDK. Each poster is a process of its own on one core, nginx is on the other, and every
post is answered. CPU per post is the figure to trust: wall time also counts what else the machine did.
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

from . import rounds, sink
from .posters import job
from .report import ROOT
from .rounds import Sample

LATENCY_MS: Final = 10
OURS: Final = "ours"
SDK_THREADS: Final = "boto3, 64 threads"
SDK_TUNED: Final = "boto3, 64 threads, small CA file"


@dataclass(frozen=True, slots=True)
class Poster:
    program: Sequence[str]
    concurrency: int
    few_authorities: bool = True  # trusts a handful, or every authority that the web has


def posters() -> dict[str, Poster]:
    sdk = [sys.executable, "-m", "bench.posters.sdk"]
    node = shutil.which("node", path=f"{os.environ['PATH']}:{ROOT / '.venv' / 'bin'}")
    return {
        OURS: Poster([sys.executable, "-m", "bench.posters.ours"], 0),
        "boto3, one by one": Poster(sdk, 1, few_authorities=False),
        "boto3, 16 threads": Poster(sdk, 16, few_authorities=False),
        SDK_THREADS: Poster(sdk, 64, few_authorities=False),
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
        pool = "warm" if self.warm else "cold"
        latency = f", answers after {LATENCY_MS} ms" if self.late else ""
        return f"{self.posts:,} posts, {'TLS' if self.scheme == 'https' else 'http'}, {pool} pool{latency}"


CPU_BAR: Final = Situation(10_000, "https", warm=True, rounds=5)
WALL_BAR: Final = Situation(2_000, "https", warm=False, late=True, rounds=5)
SITUATIONS: Final = (
    CPU_BAR,
    WALL_BAR,
    *(
        Situation(2_000, scheme, warm, late)
        for late in (False, True)
        for scheme in ("http", "https")
        for warm in (False, True)
        if (scheme, warm, late) != ("https", False, True)
    ),
    Situation(10_000, "http", warm=True),
    Situation(10_000, "https", warm=False),
    Situation(10_000, "https", warm=True, late=True),
)


def main() -> None:
    report([(situation, measure(situation)) for situation in SITUATIONS]).publish()


def measure(situation: Situation) -> dict[str, list[Sample]]:
    """Every poster's samples in one situation."""
    peers = posters()
    if situation.late and situation.posts > 2_000:
        del peers["boto3, one by one"]  # it would take two minutes a run, and says nothing new
    with places() as (running, everyone):
        runs = {
            name: partial(_run, poster, situation, running, everyone)
            for name, poster in peers.items()
        }
        return rounds.interleaved(runs, situation.rounds)


@contextmanager
def places() -> Iterator[tuple[sink.Sink, Path]]:
    """The sink on one core and this process, with its children, on another; and a file that trusts
    the sink beside all authorities that the SDK comes with."""
    before = os.sched_getaffinity(0)
    sink_core, client_core = sorted(before)[:2] if len(before) > 1 else [*before] * 2
    with sink.running(sink_core, LATENCY_MS) as running, tempfile.NamedTemporaryFile("w") as file:
        bundle = Path(botocore.__file__).with_name("cacert.pem")
        file.write(bundle.read_text() + running.authority.read_text())
        file.flush()
        os.sched_setaffinity(0, {client_core})
        try:
            yield running, Path(file.name)
        finally:
            os.sched_setaffinity(0, before)


def _run(poster: Poster, situation: Situation, running: sink.Sink, everyone: Path) -> Sample:
    task = job.Job(
        endpoint=running.endpoint(situation.scheme, late=situation.late),
        authority=str(running.authority if poster.few_authorities else everyone),
        posts=situation.posts,
        warm=situation.warm,
        concurrency=poster.concurrency,
    )
    done = subprocess.run(
        poster.program, input=json.dumps(asdict(task)), cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(poster.program)} failed:\n{done.stderr}")
    sample: Sample = json.loads(done.stdout)
    return sample
