"""The task of a client process, and how the process measures itself."""

import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

REGION: Final = "eu-central-1"
PAYLOAD: Final = '{"type":"counter-update","value":1234567}'
# These have the same lengths as the credentials of a Lambda role.
ACCESS_KEY: Final = "AKIDEXAMPLEAKIDEXAMP"
SECRET_KEY: Final = "not-a-secret/not-a-secret/not-a-secret12"  # noqa: S105
TOKEN: Final = "T" * 800


@dataclass(frozen=True, slots=True)
class Job:
    """The posts that a client has to make, and how it makes them."""

    endpoint: str  # https://host:port/stage
    authority: str  # file with the certificate authorities to trust
    posts: int
    warm: bool  # measure the second of two equal fan-outs, which finds connections open
    concurrency: int  # threads, or requests at once


def ids(number: int) -> list[str]:
    """Connection ids of the same length as API Gateway's."""
    return [f"Rk3sYd2oFi{each:05d}=" for each in range(number)]


def run(connect: Callable[[Job], Callable[[Sequence[str]], int]]) -> None:
    """Measure one fan-out, and print CPU per post (µs), wall time (s) and peak memory (MB).

    `connect` returns a function that posts to every id and returns the number of posts delivered.
    """
    job = Job(**json.load(sys.stdin))
    post_to_all = connect(job)
    audience = ids(job.posts)
    if job.warm:
        post_to_all(audience)
    wall_start, cpu_start = time.perf_counter(), time.process_time()
    delivered = post_to_all(audience)
    cpu, wall = time.process_time() - cpu_start, time.perf_counter() - wall_start
    if delivered != job.posts:
        sys.exit(f"Only {delivered} of {job.posts} posts were delivered.")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    json.dump({"cpu_us": cpu / job.posts * 1e6, "wall": wall, "peak_mb": peak}, sys.stdout)
