"""Runs the Pulumi program, `__main__.py` as it is, without an engine.

`pulumi.runtime` can run a program against mocks. Whoever passes mocks that create real resources
has deployed it.
"""

import json
import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pulumi
import yaml
from pulumi.runtime import settings as pulumi_settings
from pulumi.runtime.mocks import MockMonitor

from .errors import LocalError

ROOT: Final = Path(__file__).resolve().parents[2]
PROJECT_FILE: Final = "Pulumi.yaml"
PROJECT: Final[str] = yaml.safe_load((ROOT / PROJECT_FILE).read_text())["name"]


def stack_config(stack: str, root: Path = ROOT) -> dict[str, str]:
    """The stack's configuration as the engine would hand it over: the project's defaults, then
    the stack's own file.

    Raises LocalError when there is no such stack, naming the ones there are.
    """
    project = _yaml(root / PROJECT_FILE)
    stack_file = root / f"Pulumi.{stack}.yaml"
    if not stack_file.exists():
        known = sorted(path.name.split(".")[1] for path in root.glob("Pulumi.*.yaml"))
        raise LocalError(f"There is no stack {stack!r}: use one of {', '.join(known)}.")
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
    """Run `__main__.py`; return the stack's outputs once every resource is there.

    Raises pulumi.RunError for a wrong configuration, and whatever the monitor's mocks raise.
    """
    project = _yaml(root / PROJECT_FILE)["name"]
    pulumi.runtime.set_all_config(dict(config))
    pulumi_settings.set_root_resource(None)  # type: ignore[arg-type]  # a second run is a new stack
    pulumi.runtime.set_mocks(
        monitor.mocks, project=project, stack=stack, preview=False, monitor=monitor
    )
    outputs: dict[str, Any] = {}

    def program() -> pulumi.Output[Any]:
        runpy.run_path(str(root / "__main__.py"), run_name="__main__")
        exports = pulumi_settings.get_root_resource().outputs  # type: ignore[union-attr]
        return pulumi.Output.all(**exports).apply(outputs.update)

    pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]  # Pulumi's own
    return outputs


def _yaml(path: Path) -> dict[str, Any]:
    content = yaml.safe_load(path.read_text())
    return content if isinstance(content, dict) else {}


def qualified(key: str, project: str = PROJECT) -> str:
    """The key as the engine names it: the project's own have its name in front."""
    return key if ":" in key else f"{project}:{key}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
