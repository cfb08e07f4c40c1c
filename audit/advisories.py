"""Known vulnerabilities of the pinned packages, as pip-audit and npm audit know them.

Both ask a service. An answer that does not cover every package is an AuditError: a package that
nobody looked up is not a package without vulnerabilities.
"""

import json
from pathlib import Path
from typing import Any, Final

from .command import run
from .errors import AuditError

_UNREACHABLE: Final = (
    "nothing is known about them. Run it again where the service can be reached, or scan the "
    "graph alone with make audit OFFLINE=1"
)


def python(pip_audit: Path, requirements: Path) -> list[str]:
    """A line for each vulnerability of a requirements file. Raises AuditError."""
    result = run(
        [
            *(pip_audit, "--requirement", requirements, "--disable-pip", "--require-hashes"),
            *("--format", "json", "--progress-spinner", "off"),
        ],
        name=pip_audit,
        cwd=requirements.parent,
    )
    return of_pip_audit(requirements.name, result.stdout)


def node(npm: Path, folder: Path) -> list[str]:
    """A line for each vulnerable package of a package-lock.json. Raises AuditError."""
    result = run([npm, "audit", "--json"], name=npm, cwd=folder)
    return of_npm(folder.name, result.stdout)


def of_pip_audit(name: str, output: str) -> list[str]:
    packages = _object(output).get("dependencies")
    if not packages or any("skip_reason" in package for package in packages):
        raise AuditError(
            f"The advisories for the packages of {name} could not be read, so {_UNREACHABLE}."
        )
    return [
        f"{name}: {package['name']} {package['version']} has {each['id']}"
        f"{_fixed(each['fix_versions'])}."
        for package in packages
        for each in package["vulns"]
    ]


def of_npm(name: str, output: str) -> list[str]:
    vulnerable = _object(output).get("vulnerabilities")
    if vulnerable is None:
        raise AuditError(
            f"The advisories for the packages of {name}/package-lock.json could not be read, "
            f"so {_UNREACHABLE}."
        )
    return [
        f"{name}/package-lock.json: {package} {each['range']} is vulnerable ({each['severity']})."
        for package, each in sorted(vulnerable.items())
    ]


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _fixed(versions: list[str]) -> str:
    return f", fixed in {', '.join(versions)}" if versions else ", not fixed yet"
