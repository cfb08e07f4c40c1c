"""Runs the Pulumi program, `__main__.py`, without an engine.

`pulumi.runtime` runs a program against mocks. Mocks that create real resources deploy it.
"""

import asyncio
import runpy
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import settings as pulumi_settings
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.stack import run_pulumi_func

from .paths import ROOT
from .stack_files import config as stack_files


def stack_config(stack: str, root: Path = ROOT) -> dict[str, str]:
    """The configuration of a stack, by qualified key.

    Raises:
        pulumi.RunError: There is no such stack, or a file is wrong.
    """
    return stack_files.read(stack, root).values


def run_program(
    monitor: MockMonitor, stack: str, config: Mapping[str, str], root: Path = ROOT
) -> dict[str, Any]:
    """Run `__main__.py`; return the stack's outputs after every resource is created.

    The program runs in an event loop of its own, because Pulumi creates a task for each resource
    and output, and Python 3.14 no longer creates a loop on demand. Pulumi's language host does the
    same. Call this from a thread without a running event loop.

    Raises:
        pulumi.RunError: The configuration is wrong.
        Exception: Any exception that the monitor's mocks raise.
    """
    with _worker_threads() as threads:
        return asyncio.run(_run_program(monitor, stack, config, root, threads))


async def _run_program(
    monitor: MockMonitor,
    stack: str,
    config: Mapping[str, str],
    root: Path,
    threads: ThreadPoolExecutor,
) -> dict[str, Any]:
    asyncio.get_running_loop().set_default_executor(threads)
    project = stack_files.project_name(root)
    # Pulumi keeps its settings in context variables, so each run has its own. Only the set of
    # unfinished outputs is shared between runs. A failed run leaves outputs of a closed loop in it,
    # so clear it first, as pulumi.runtime.test does.
    pulumi_settings.SETTINGS.outputs.clear()
    pulumi.runtime.set_all_config(dict(config))
    pulumi.runtime.set_mocks(
        monitor.mocks, project=project, stack=stack, preview=False, monitor=monitor
    )

    def program() -> None:
        runpy.run_path(str(root / "__main__.py"), run_name="__main__")

    await run_pulumi_func(program)
    exports = pulumi_settings.get_root_resource().outputs  # type: ignore[union-attr]
    return await pulumi.Output.all(**exports).future() or {}


@contextmanager
def _worker_threads() -> Iterator[ThreadPoolExecutor]:
    # Give each thread an event loop and close it, because MockMonitor would create one and leave it
    # open (pulumi/runtime/sync_await.py).
    loops: list[asyncio.AbstractEventLoop] = []

    def start_thread() -> None:
        loop = asyncio.new_event_loop()
        loops.append(loop)
        asyncio.set_event_loop(loop)

    try:
        with ThreadPoolExecutor(initializer=start_thread) as threads:
            yield threads
    finally:
        for loop in loops:
            loop.close()


@cache
def _project() -> str:
    return stack_files.project_name(ROOT)


def qualified(key: str) -> str:
    """The key with its namespace, which is the project's name for a key without one.

    Raises:
        pulumi.RunError: Pulumi.yaml is wrong.
    """
    return stack_files.qualified(key, _project())
