"""What is made of the answers of pip-audit and npm audit."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from audit import advisories
from audit.errors import AuditError

CLEAN = {"name": "boto3", "version": "1.0", "vulns": []}
VULNERABLE = {
    "name": "yaml",
    "version": "5.1",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["5.4"]}, {"id": "PYSEC-2", "fix_versions": []}],
}


def test_python_packages() -> None:
    output = json.dumps({"dependencies": [CLEAN, VULNERABLE]})
    assert advisories.of_pip_audit("requirements.txt", output) == [
        "requirements.txt: yaml 5.1 has PYSEC-1, fixed in 5.4.",
        "requirements.txt: yaml 5.1 has PYSEC-2, not fixed yet.",
    ]


def test_node_packages() -> None:
    vulnerable = {"vite": {"severity": "high", "range": "<6"}}
    assert advisories.of_npm("web", json.dumps({"vulnerabilities": vulnerable})) == [
        "web/package-lock.json: vite <6 is vulnerable (high)."
    ]


def test_nothing_known_is_nothing_to_do() -> None:
    assert advisories.of_pip_audit("r.txt", json.dumps({"dependencies": [CLEAN]})) == []
    assert advisories.of_npm("web", '{"vulnerabilities": {}}') == []


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "ConnectionError: no route",
        "[]",
        {"dependencies": []},
        # What it could not look up it skips, and ends as if all were well.
        {"dependencies": [CLEAN, {"name": "yaml", "skip_reason": "Dependency not found"}]},
    ],
)
def test_python_packages_that_nobody_looked_up(answer: Any) -> None:
    output = answer if isinstance(answer, str) else json.dumps(answer)
    with pytest.raises(AuditError, match=r"r\.txt could not be read, so nothing .*OFFLINE=1"):
        advisories.of_pip_audit("r.txt", output)


@pytest.mark.parametrize("answer", ["", "npm error", '{"statusCode": 405, "error": {}}'])
def test_node_packages_that_nobody_looked_up(answer: str) -> None:
    with pytest.raises(AuditError, match=r"web/package-lock\.json could not be read.*OFFLINE=1"):
        advisories.of_npm("web", answer)


def test_the_tools_are_asked_where_the_files_are(tmp_path: Path) -> None:
    tool = tmp_path / "tool"
    tool.write_text(
        f"#!{sys.executable}\nimport json, pathlib, sys\n"
        "assert pathlib.Path('requirements.txt').exists()\n"
        'print(json.dumps({"vulnerabilities": {}, "dependencies": [\n'
        '    {"name": " ".join(sys.argv[1:3]), "version": "", "vulns": [\n'
        '        {"id": "X", "fix_versions": []}]}]}))\nsys.exit(1)\n'
    )
    tool.chmod(0o755)
    (tmp_path / "requirements.txt").touch()
    (line,) = advisories.python(tool, tmp_path / "requirements.txt")
    assert f"--requirement {tmp_path}/requirements.txt" in line
    assert advisories.node(tool, tmp_path) == []


def test_a_tool_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="did not start"):
        advisories.node(tmp_path / "npm", tmp_path)
