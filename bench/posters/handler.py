"""The function's own handler, idle and then at a fan-out: how much memory does that take?

Its tables' answers come from the sink, a listing as large as the audience among them.
"""

import json
import sys
import time
from pathlib import Path

from counter_service.runtime.core.ports import Delivery

from . import job, ours


def main() -> None:
    task = job.Job(**json.load(sys.stdin))
    # Imported here: from now on the process is what Lambda keeps warm.
    from counter_service.runtime import handler

    outbox = ours.outbox(task)
    idle = _megabytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # from here on, VmHWM is this fan-out's
    outcomes = outbox.post(job.PAYLOAD, handler.service.connections.audience(int(time.time())))
    if list(outcomes.values()) != [Delivery.DELIVERED] * task.posts:
        sys.exit("not every post was answered")
    json.dump({"idle_mb": idle, "over_idle_mb": _megabytes("VmHWM") - idle}, sys.stdout)


def _megabytes(figure: str) -> float:
    """Of this process, by proc(5): VmRSS is what it has, VmHWM the most that it had."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(figure)) / 1024


if __name__ == "__main__":
    main()
