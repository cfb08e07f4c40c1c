"""The posters post, and the report reads its samples right. No timings: those are for people."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict

import pytest

from bench import fan_out
from bench.fan_out import CPU_BAR, OURS, SDK_THREADS, SDK_TUNED, WALL_BAR
from bench.posters.job import Job, ids
from bench.report import ROOT
from bench.rounds import Sample
from counter_service.runtime.fanout.gateway import AMAZON_ROOTS
from tests.unit.raw_server import OK, RawServer


@pytest.fixture
def server() -> Iterator[RawServer]:
    server = RawServer(lambda _: OK)
    yield server
    server.close()


@pytest.mark.parametrize(("poster", "concurrency"), [("ours", 0), ("sdk", 1), ("sdk", 4)])
@pytest.mark.parametrize("warm", [False, True])
def test_a_poster_posts_to_everyone(
    server: RawServer, poster: str, concurrency: int, warm: bool
) -> None:
    job = Job(f"http://127.0.0.1:{server.port}/prod", _roots(), 5, warm, concurrency)
    sample = json.loads(_run(poster, job).stdout)
    assert {name for name, value in sample.items() if value > 0} == {"cpu_us", "wall", "peak_mb"}
    assert sorted(r.connection_id for r in server.requests) == sorted(ids(5) * (1 + warm))


@pytest.mark.parametrize(("poster", "concurrency"), [("ours", 0), ("sdk", 2)])
def test_a_poster_whose_posts_fail_is_no_sample(poster: str, concurrency: int) -> None:
    server = RawServer(lambda _: OK)
    server.close()
    job = Job(f"http://127.0.0.1:{server.port}/prod", _roots(), 5, False, concurrency)
    done = _run(poster, job)
    assert done.returncode
    assert done.stdout == ""


def _run(poster: str, job: Job) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", f"bench.posters.{poster}"],
        input=json.dumps(asdict(job)),
        cwd=ROOT,
        env=os.environ | {"AWS_MAX_ATTEMPTS": "1"},  # or the SDK tries for a while
        capture_output=True,
        text=True,
    )


def _roots() -> str:
    return str(AMAZON_ROOTS)


def samples(**figures: float) -> list[Sample]:
    return [{"cpu_us": 1.0, "wall": 1.0, "peak_mb": 1.0} | figures for _ in range(3)]


MEMORY: list[Sample] = [{"idle_mb": 40.0, "over_idle_mb": 9.0}]


@pytest.mark.parametrize(("theirs", "held"), [(701.0, True), (699.0, False)])
def test_the_bar_of_cpu(theirs: float, held: bool) -> None:
    measured = {
        OURS: samples(cpu_us=20.0),
        SDK_THREADS: samples(cpu_us=theirs),
        SDK_TUNED: samples(cpu_us=600.0),
    }
    bar, _ = fan_out.report({CPU_BAR: measured}, MEMORY).bars
    assert bar.held is held
    assert bar.measured.endswith("30.0 times with a small CA file")


@pytest.mark.parametrize(("best", "held"), [(2.11, True), (2.09, False)])
def test_the_bar_of_time_is_the_fastest_sdk(best: float, held: bool) -> None:
    measured = {
        OURS: samples(wall=0.3),
        "boto3, 16 threads": samples(wall=best),
        SDK_THREADS: samples(wall=3.0),
        "aiobotocore, 64 tasks": samples(wall=1.0),
    }
    bar, _ = fan_out.report({WALL_BAR: measured}, MEMORY).bars
    assert bar.held is held
    assert bar.measured.endswith("of boto3, 16 threads")


def test_ratios_are_of_rounds_not_of_medians() -> None:
    # A machine that is twice as slow in one round is so for everyone.
    ours: list[Sample] = [{"cpu_us": each, "wall": 1, "peak_mb": 1} for each in (1, 2, 9)]
    theirs: list[Sample] = [{"cpu_us": each, "wall": 1, "peak_mb": 1} for each in (30, 60, 270)]
    [table] = fan_out.report(
        {CPU_BAR: {OURS: ours, SDK_THREADS: theirs, SDK_TUNED: theirs}}, MEMORY
    ).tables
    assert [row[3] for row in table.rows] == ["1.0", "30.0", "30.0"]
