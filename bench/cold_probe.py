"""`python -I -B cold_probe.py folder module event [members]`: one cold start, printed as JSON.

The process does what Lambda does with a new function: it imports the module from the unpacked
archive, which builds the clients, and passes it the first event. `-B`, because Lambda's archive is
read-only. Before the event the process becomes a member of the cgroups whose `cgroup.procs` files
are the last arguments.
"""

import gc
import importlib
import json
import os
import sys
import time
from pathlib import Path
from types import SimpleNamespace


def peak_memory() -> int:
    """Peak memory in bytes. Not ru_maxrss, which in a child starts at the parent's value."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


folder, module, event, *members = sys.argv[1:]
sys.path.insert(0, folder)
context = SimpleNamespace(
    aws_request_id="request-1",
    function_name="websocket",
    get_remaining_time_in_millis=lambda: 20_000,
)
request = json.loads(event)
gc.collect()
before = len(sys.modules)

started = time.perf_counter(), time.process_time()
handle = importlib.import_module(module).handle
initialized = time.perf_counter(), time.process_time()
for file in members:
    Path(file).write_text(str(os.getpid()), encoding="utf-8")
ready = time.perf_counter(), time.process_time()
response = handle(request, context)
done = time.perf_counter(), time.process_time()

if response["statusCode"] != 200:
    sys.exit(f"{module} returned {response}.")
print(
    json.dumps(
        {
            "init wall": initialized[0] - started[0],
            "init cpu": initialized[1] - started[1],
            "first wall": done[0] - ready[0],
            "first cpu": done[1] - ready[1],
            "memory": peak_memory(),
            "modules": len(sys.modules) - before,
        }
    )
)
