"""The commands of the toolchain, and how their errors are shown."""

import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Final

from . import audit, environments, lock, node, page, pulumi_cli, vendor
from .errors import ToolchainError, sentence
from .places import ROOT, show

USAGE: Final = """usage: python3 -I counter_service/toolchain COMMAND

  prepare PART...   install each part, or repair it
  npm ARGUMENT...   npm, with the machine's Node or an installed one
  build             build the page, even if it is up to date
  lock              pin the newest packages that pyproject.toml and package.json allow
  pulumi ARGUMENT...  the Pulumi CLI: the machine's, or an installed one
  up STACK          deploy a stack; YES=1 in the environment skips the questions
  audit             look up advisories on every locked package
"""


PARTS: Final[dict[str, Callable[[], object]]] = {
    **{name: partial(environments.ensure, name) for name in environments.ENVIRONMENTS},
    "page": partial(page.ensure, ROOT / "web", show),
    "web": partial(node.ensure_modules, ROOT / "web"),
    "bench-node": partial(node.ensure_modules, ROOT / "bench" / "node"),
    "auth": partial(vendor.ensure, "lambda"),
    "auth-local": partial(vendor.ensure, "local"),
    "pulumi": partial(pulumi_cli.find, ROOT),
}


def main(arguments: list[str]) -> int:
    """Run a command and return its exit code. An error is printed without a traceback."""
    try:
        return _run(arguments)
    except ToolchainError as problem:
        show(f"error: {problem}")
    except OSError as problem:
        show(f"error: {sentence(problem, ROOT)}")
    except KeyboardInterrupt:
        return 130
    return 1


def _run(arguments: list[str]) -> int:
    if os.pathsep in str(ROOT):
        raise ToolchainError(
            f"The path of the checkout, {ROOT}, has a colon, which no entry of PATH can contain. "
            "Rename the folder, and run the command again."
        )
    match arguments:
        case ["prepare", *parts] if set(parts) <= PARTS.keys():
            for part in parts:
                PARTS[part]()
        case ["npm", *words]:
            return node.npm(*words).returncode
        case ["build"]:
            page.build(ROOT / "web")
        case ["lock"]:
            lock.update()
        case ["pulumi", *words]:
            pulumi_cli.run(ROOT, words)
        case ["up", stack]:
            yes = os.environ.get("YES") == "1"
            # First the steps that may fail or ask a question, then those that take a minute.
            pulumi_cli.require_confirmation(stack, yes)
            pulumi_cli.find(ROOT)
            for part in ("deploy", "page"):
                PARTS[part]()
            return pulumi_cli.up(ROOT, stack, yes)
        case ["audit"]:
            pip_audit = environments.ensure("audit") / "bin" / "python"
            npm = [sys.executable, "-I", str(ROOT / "counter_service" / "toolchain"), "npm"]
            return audit.main([str(pip_audit), "-m", "pip_audit"], npm, ROOT)
        case _:
            show(USAGE)
            return 2
    return 0
