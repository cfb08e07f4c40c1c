"""Advisories are looked up by fake commands in the place of pip-audit and npm."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from counter_service.toolchain import audit

ROOT = Path(__file__).resolve().parents[2]
FILES = (
    *("requirements.txt", "requirements/dev.txt"),
    *("web/package-lock.json", "bench/node/package-lock.json"),
)
SOUND = {"name": "boto3", "version": "1.0", "vulns": []}
VULNERABLE = {
    "name": "yaml",
    "version": "5.1",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["5.4"]}, {"id": "PYSEC-2", "fix_versions": []}],
}
SKIPPED = {"name": "yaml", "skip_reason": "Dependency not found and could not be audited"}
NODE_SOUND: dict[str, Any] = {"vulnerabilities": {}}
NODE_VULNERABLE = {"vulnerabilities": {"vite": {"severity": "high", "range": "<6"}}}
# What npm prints when a registry has no advisories.
NODE_REFUSED = {"message": "405 Method Not Allowed - POST /advisories/bulk", "error": {}}

# Prints what it is given, and notes its arguments and where it runs.
FAKE = """
import json, os, sys
report, log, *arguments = sys.argv[1:]
with open(log, "a") as file:
    file.write(json.dumps([os.getcwd(), arguments]) + "\\n")
print(report)
print("Connection refused.", file=sys.stderr)
sys.exit(1)  # whatever the report says, because both tools do so with findings and with errors
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with two locked requirements files."""
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements.txt").touch()
    (tmp_path / "requirements" / "dev.txt").touch()
    (tmp_path / "requirements" / "dev.in").touch()
    return tmp_path


def prints(report: Any, root: Path) -> list[str]:
    """A command that prints a report, or text that is none."""
    text = report if isinstance(report, str) else json.dumps(report)
    return [sys.executable, "-c", FAKE, text, str(root / "log")]


def test_audit_without_advisories_ends_with_0(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    python = prints({"dependencies": [SOUND]}, root)
    assert audit.main(python, prints(NODE_SOUND, root), root) == 0
    assert capsys.readouterr().out.splitlines() == [f"{file}: no advisory." for file in FILES]
    calls = [json.loads(line) for line in (root / "log").read_text().splitlines()]
    assert {folder for folder, _ in calls} == {str(root)}
    first, second, web, node = (arguments for _, arguments in calls)
    assert {"--disable-pip", "--require-hashes"} <= set(first)
    assert first[-2:] == ["--requirement", "requirements.txt"]
    assert second[-2:] == ["--requirement", "requirements/dev.txt"]
    assert web == ["--prefix", str(root / "web"), "audit", "--json"]
    assert node == ["--prefix", str(root / "bench/node"), "audit", "--json"]


def test_audit_with_advisories_ends_with_1(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    python = prints({"dependencies": [SOUND, VULNERABLE]}, root)
    assert audit.main(python, prints(NODE_VULNERABLE, root), root) == 1
    printed = capsys.readouterr().out.splitlines()
    assert printed[:3] == [
        "requirements.txt: 2 found.",
        "  yaml 5.1 has PYSEC-1, fixed in 5.4.",
        "  yaml 5.1 has PYSEC-2, not fixed yet.",
    ]
    assert printed[-2:] == [
        "bench/node/package-lock.json: 1 found.",
        "  vite <6 is vulnerable (high).",
    ]


NO_RESPONSE = "the advisory service did not respond"
NO_REPORT = "python printed no report: Connection refused"
NO_RESPONSE_FOR_ONE = f"{NO_RESPONSE} for 1 of 2 packages (yaml is the first)"


@pytest.mark.parametrize(
    ("report", "node_report", "reason", "node_reason"),
    [
        ({}, {}, NO_RESPONSE, "npm audit failed with: no message"),
        ({"dependencies": []}, "", NO_RESPONSE, NO_REPORT),
        (
            {"dependencies": [SOUND, SKIPPED]},
            NODE_REFUSED,
            NO_RESPONSE_FOR_ONE,
            f"npm audit failed with: {NODE_REFUSED['message']}",
        ),
        ("npm error", "[]", NO_REPORT, NO_REPORT),
    ],
)
def test_audit_names_each_file_that_was_not_looked_up_and_ends_with_2(
    root: Path,
    capsys: pytest.CaptureFixture[str],
    report: Any,
    node_report: Any,
    reason: str,
    node_reason: str,
) -> None:
    assert audit.main(prints(report, root), prints(node_report, root), root) == 2
    shown = capsys.readouterr().err.replace(Path(sys.executable).name, "python").splitlines()
    assert shown == [
        *(f"error: {file} was not looked up, because {reason}." for file in FILES[:2]),
        *(f"error: {file} was not looked up, because {node_reason}." for file in FILES[2:]),
        "Run make audit again when the advisory service can be reached.",
    ]


def test_audit_looks_up_the_other_files_when_one_was_not(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = [str(root / "missing")]
    assert audit.main(missing, prints(NODE_VULNERABLE, root), root) == 2
    shown = capsys.readouterr()
    assert "missing did not start: No such file or directory." in shown.err
    assert "web/package-lock.json: 1 found." in shown.out


def test_audit_gives_up_a_tool_that_does_not_end(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "_SECONDS", 0.01)
    assert audit.main(prints("", root), prints("", root), root) == 2
    assert "did not end within 0.01 s." in capsys.readouterr().err


def test_audit_finds_every_lock_file_of_the_repository() -> None:
    assert "requirements.txt" in audit.lock_files(ROOT)
    found = [*ROOT.glob("*/package-lock.json"), *ROOT.glob("bench/*/package-lock.json")]
    folders = {path.parent.relative_to(ROOT).as_posix() for path in found}
    assert folders == set(audit.NODE_PROJECTS)
