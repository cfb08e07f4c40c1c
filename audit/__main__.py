"""`python -m audit`: checkov over the graph of each stack, then advisories about the packages.

Exit codes: 0 nothing to do, 1 something was found, 2 something could not be looked at.
"""

import argparse
import datetime
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

import pulumi
import yaml

from counter_service.local.errors import LocalError
from counter_service.local.program import ROOT

from . import advisories, checkov, graph, planted, terraform
from .errors import AuditError
from .findings import Finding, Waiver, complaints

WAIVERS: Final = ROOT / "audit" / "waivers.yaml"


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    parts: dict[str, Callable[[], list[str]]] = {
        f"graph of {', '.join(arguments.stacks)}": partial(scan, arguments)
    }
    if not arguments.offline:
        for requirements in sorted(ROOT.glob("requirements*.txt")):
            tool = arguments.tools / "pip-audit"
            parts[requirements.name] = partial(advisories.python, tool, requirements)
        npm = ROOT / "scripts" / "npm"
        parts["web/package-lock.json"] = partial(advisories.node, npm, ROOT / "web")
    code = 0
    for name, look in parts.items():
        try:
            found = look()
        except (AuditError, LocalError, pulumi.RunError) as problem:
            print(f"error: {problem}", file=sys.stderr)
            code = 2
            continue
        print(f"{name}: {'nothing' if not found else len(found)} to do", flush=True)
        for line in found:
            print(f"  {line}")
        code = max(code, bool(found))
    if arguments.offline:
        print("Not looked at: advisories about the packages (OFFLINE=1).")
    return code


def scan(arguments: argparse.Namespace) -> list[str]:
    """What is to be done about the graph. Writes each stack's main.tf where --keep says."""
    waivers = read_waivers(WAIVERS)
    planted.prove(arguments.tools / "checkov")
    found: list[Finding] = []
    for stack in arguments.stacks:
        configuration = terraform.configuration(graph.registered(stack))
        if arguments.keep:
            folder = arguments.keep / stack
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "main.tf").write_text(configuration)
        found += checkov.scan(arguments.tools / "checkov", stack, configuration)
    return complaints(found, waivers, datetime.datetime.now(datetime.UTC).date())


def read_waivers(path: Path) -> list[Waiver]:
    """Raises AuditError for an entry that is not one."""
    return [Waiver.read(entry) for entry in yaml.safe_load(path.read_text()) or []]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m audit", description=__doc__)
    parser.add_argument("--stacks", nargs="+", default=["dev", "prod"], metavar="STACK")
    parser.add_argument(
        "--tools",
        type=Path,
        default=ROOT / ".venv-audit" / "bin",
        help="where checkov and pip-audit are",
    )
    parser.add_argument("--keep", type=Path, help="write what checkov reads below this folder")
    parser.add_argument("--offline", action="store_true", help="leave out what needs a service")
    return parser


if __name__ == "__main__":
    sys.exit(main())
