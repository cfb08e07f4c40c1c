"""What a poster is told to do, and how it measures itself."""

import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

REGION: Final = "eu-central-1"
PAYLOAD: Final = '{"type":"counter-update","value":1234567}'
# As long as a role's in Lambda.
ACCESS_KEY: Final = "AKIDEXAMPLEAKIDEXAMP"
SECRET_KEY: Final = "not-a-secret/not-a-secret/not-a-secret12"  # noqa: S105
TOKEN: Final = "T" * 800
# Posts that open every connection which a poster will use.
WARM_UP: Final = 2_000


@dataclass(frozen=True, slots=True)
class Job:
    endpoint: str  # https://host:port/stage
    authority: str  # file of the certificate authorities to trust
    posts: int
    warm: bool  # measure the second fan-out, which finds connections open
    concurrency: int  # threads, tasks, or requests at once; ours decides for itself


def ids(number: int) -> list[str]:
    """Connection ids, as long as API Gateway's."""
    return [f"Rk3sYd2oFi{each:05d}=" for each in range(number)]


def run(make: Callable[[Job], Callable[[Sequence[str]], int]]) -> None:
    """`make` builds a client and returns what posts to every id and counts the answers."""
    task = Job(**json.load(sys.stdin))
    post_to_all = make(task)
    audience = ids(task.posts)
    if task.warm:
        post_to_all(audience[:WARM_UP])
    began, cpu_began = time.perf_counter(), time.process_time()
    delivered = post_to_all(audience)
    cpu, wall = time.process_time() - cpu_began, time.perf_counter() - began
    if delivered != task.posts:
        sys.exit(f"only {delivered} of {task.posts} posts were answered")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    json.dump({"cpu_us": cpu / task.posts * 1e6, "wall": wall, "peak_mb": peak}, sys.stdout)
