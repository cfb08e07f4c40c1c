"""Looks up advisories on every locked package, with pip-audit and npm audit.

Both ask a service. A lock file is not looked up when even one of its packages is not, because
pip-audit skips such a package and ends with 0.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

NODE_PROJECTS: Final = ("web", "bench/node")
_SECONDS: Final = 300
# With hashes and without pip, pip-audit reads the pins and resolves nothing.
_PIP_AUDIT: Final = (
    *("--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off"),
    "--requirement",
)


class NotLookedUp(Exception):
    """Why a lock file was not looked up; its text is the reason, without a full stop."""


def main(pip_audit: Sequence[str], npm: Sequence[str], root: Path) -> int:
    """Look up each lock file below `root`, and print a line for each and each finding.

    Args:
        pip_audit: The command of pip-audit, without arguments. It runs in `root`.
        npm: The command of npm, without arguments. It runs in `root`.

    Returns:
        0 when there is no advisory, 1 when there is one, 2 when a lock file was not looked up.
    """
    code = 0
    for name, command, read in _look_ups(pip_audit, npm, root):
        try:
            found = read(_report(command, root))
        except NotLookedUp as reason:
            print(f"error: {name} was not looked up, because {reason}.", file=sys.stderr)
            code = 2
            continue
        print(f"{name}: {_count(found)}", *found, sep="\n  ", flush=True)
        code = max(code, bool(found))
    if code == 2:
        print("Run make audit again when the advisory service can be reached.", file=sys.stderr)
    return code


def lock_files(root: Path) -> list[str]:
    """The locked requirements files, relative to `root`."""
    paths = [*root.glob("requirements*.txt"), *root.glob("requirements/*.txt")]
    return sorted(path.relative_to(root).as_posix() for path in paths)


def of_pip_audit(report: dict[str, Any]) -> list[str]:
    """A sentence for each advisory of a report of pip-audit. Raises NotLookedUp."""
    packages = report.get("dependencies")
    if not packages:
        raise NotLookedUp("the advisory service did not respond")
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if skipped:
        raise NotLookedUp(
            f"the advisory service did not respond for {len(skipped)} of {len(packages)} packages "
            f"({skipped[0]} is the first)"
        )
    return [
        f"{package['name']} {package['version']} has {each['id']}{_fixed(each['fix_versions'])}."
        for package in packages
        for each in package["vulns"]
    ]


def of_npm(report: dict[str, Any]) -> list[str]:
    """A sentence for each vulnerable package of a report of npm audit. Raises NotLookedUp."""
    vulnerable = report.get("vulnerabilities")
    if vulnerable is None:
        message = report.get("message", "no message").rstrip(".")
        raise NotLookedUp(f"npm audit failed with: {message}")
    return [
        f"{package} {each['range']} is vulnerable ({each['severity']})."
        for package, each in sorted(vulnerable.items())
    ]


def _look_ups(
    pip_audit: Sequence[str], npm: Sequence[str], root: Path
) -> Iterator[tuple[str, list[str], Callable[[dict[str, Any]], list[str]]]]:
    """The name of each lock file, the command that looks it up, and what reads its report."""
    for path in lock_files(root):
        yield path, [*pip_audit, *_PIP_AUDIT, path], of_pip_audit
    for path in NODE_PROJECTS:
        command = [*npm, "--prefix", str(root / path), "audit", "--json"]
        yield f"{path}/package-lock.json", command, of_npm


def _report(command: Sequence[str], root: Path) -> dict[str, Any]:
    """What the command printed, whatever its exit code. Raises NotLookedUp."""
    try:
        result = subprocess.run(
            command, cwd=root, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except OSError as problem:
        raise NotLookedUp(f"{command[0]} did not start: {problem.strerror}") from problem
    except subprocess.TimeoutExpired as problem:
        raise NotLookedUp(f"{command[0]} did not end within {_SECONDS} s") from problem
    try:
        report = json.loads(result.stdout)
    except ValueError:
        report = None
    if not isinstance(report, dict):
        lines = result.stderr.strip().splitlines() or ["no output"]
        raise NotLookedUp(f"{Path(command[0]).name} printed no report: {lines[-1].rstrip('.')}")
    return report


def _count(found: list[str]) -> str:
    return f"{len(found)} found." if found else "no advisory."


def _fixed(versions: list[str]) -> str:
    return f", fixed in {', '.join(versions)}" if versions else ", not fixed yet"
