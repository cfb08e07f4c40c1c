"""Runs the Pulumi program, `__main__.py`, without an engine.

`pulumi.runtime` runs a program against mocks. Mocks that create real resources deploy it.
"""

import asyncio
import json
import runpy
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pulumi
import yaml
from pulumi.runtime import settings as pulumi_settings
from pulumi.runtime.mocks import MockMonitor
from pulumi.runtime.stack import run_pulumi_func

from .paths import ROOT

PROJECT_FILE: Final = "Pulumi.yaml"
PROJECT: Final[str] = yaml.safe_load((ROOT / PROJECT_FILE).read_text(encoding="utf-8"))["name"]


def stack_config(stack: str, root: Path = ROOT) -> dict[str, str]:
    """The stack's configuration, as the engine would read it: the project's defaults, overridden by
    the stack's own file. Keys are qualified, and values are text (lists as JSON).

    Raises:
        pulumi.RunError: There is no such stack. The message names those that exist.
    """
    project = _yaml(root / PROJECT_FILE)
    stack_file = root / f"Pulumi.{stack}.yaml"
    if not stack_file.exists():
        known = sorted(path.name.split(".")[1] for path in root.glob("Pulumi.*.yaml"))
        raise pulumi.RunError(f"There is no stack {stack!r}: use one of {', '.join(known)}.")
    defaults = {
        key: declaration["default"]
        for key, declaration in project.get("config", {}).items()
        if "default" in declaration
    }
    values = defaults | _yaml(stack_file).get("config", {})
    return {qualified(key, project["name"]): _text(value) for key, value in values.items()}


def run_program(
    monitor: MockMonitor, stack: str, config: Mapping[str, str], root: Path = ROOT
) -> dict[str, Any]:
    """Run `__main__.py`; return the stack's outputs after every resource is created.

    The program runs in an event loop of its own, because Pulumi creates a task for each resource
    and output, and Python 3.14 no longer creates a loop for code outside of one. Pulumi's language
    host does the same. Call it from a thread without a running event loop.

    Raises:
        pulumi.RunError: The configuration is wrong.
        Exception: Any that the monitor's mocks raise.
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
    project = _yaml(root / PROJECT_FILE)["name"]
    # Pulumi keeps its settings in context variables, so they end with this task's context and the
    # next run creates a stack of its own. The set of unfinished outputs is shared, so a failed run
    # leaves in it what belongs to a closed loop (pulumi.runtime.test clears it as well).
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
    # Each thread has an event loop, because MockMonitor creates one where there is none and leaves
    # it open (pulumi/runtime/sync_await.py).
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


def _yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as problem:
        raise pulumi.RunError(
            f"{path} is not UTF-8, at byte {problem.start + 1}. Save it as UTF-8."
        ) from problem
    return content if isinstance(content, dict) else {}


def qualified(key: str, project: str = PROJECT) -> str:
    """The key with its namespace, which is the project's name for a key without one."""
    return key if ":" in key else f"{project}:{key}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
