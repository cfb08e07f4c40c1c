"""The look-up of advisories, with fake commands in the place of pip-audit and npm."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from counter_service.toolchain import audit
from counter_service.toolchain.audit import NotLookedUp

ROOT = Path(__file__).resolve().parents[2]
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
    assert capsys.readouterr().out.splitlines() == [
        "requirements.txt: no advisory.",
        "requirements/dev.txt: no advisory.",
        "web/package-lock.json: no advisory.",
        "bench/node/package-lock.json: no advisory.",
    ]


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


def test_audit_without_a_service_says_so_for_each_file_and_ends_with_2(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    python = prints({"dependencies": [SOUND, SKIPPED]}, root)
    assert audit.main(python, prints(NODE_REFUSED, root), root) == 2
    skipped = "the advisory service did not respond for 1 of 2 packages (yaml is the first)"
    refused = f"npm audit failed with: {NODE_REFUSED['message']}"
    assert capsys.readouterr().err.splitlines() == [
        f"error: requirements.txt was not looked up, because {skipped}.",
        f"error: requirements/dev.txt was not looked up, because {skipped}.",
        f"error: web/package-lock.json was not looked up, because {refused}.",
        f"error: bench/node/package-lock.json was not looked up, because {refused}.",
        "Run make audit again when the advisory service can be reached.",
    ]


def test_audit_looks_up_the_other_files_when_one_was_not(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    python = prints({"dependencies": [VULNERABLE]}, root)
    assert audit.main(python, prints("", root), root) == 2
    assert "requirements.txt: 2 found." in capsys.readouterr().out


def test_audit_asks_both_tools_with_the_files_and_their_hashes(root: Path) -> None:
    audit.main(prints({"dependencies": [SOUND]}, root), prints(NODE_SOUND, root), root)
    calls = [json.loads(line) for line in (root / "log").read_text().splitlines()]
    assert {folder for folder, _ in calls} == {str(root)}
    first, second, web, node = (arguments for _, arguments in calls)
    assert {"--disable-pip", "--require-hashes"} <= set(first)
    assert first[-2:] == ["--requirement", "requirements.txt"]
    assert second[-2:] == ["--requirement", "requirements/dev.txt"]
    assert web == ["--prefix", str(root / "web"), "audit", "--json"]
    assert node == ["--prefix", str(root / "bench/node"), "audit", "--json"]


def test_audit_knows_every_lock_file_of_the_repository() -> None:
    assert "requirements.txt" in audit.lock_files(ROOT)
    found = {path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("*/package-lock.json")}
    found |= {
        path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("bench/*/package-lock.json")
    }
    assert found == set(audit.NODE_PROJECTS)


@pytest.mark.parametrize("report", [{}, {"dependencies": []}, {"dependencies": [SOUND, SKIPPED]}])
def test_a_report_of_pip_audit_that_lacks_packages_is_no_report(report: dict[str, Any]) -> None:
    with pytest.raises(NotLookedUp, match="the advisory service did not respond"):
        audit.of_pip_audit(report)


@pytest.mark.parametrize("report", [{}, NODE_REFUSED])
def test_a_report_of_npm_without_vulnerabilities_is_no_report(report: dict[str, Any]) -> None:
    with pytest.raises(NotLookedUp, match="npm audit failed with"):
        audit.of_npm(report)


@pytest.mark.parametrize("text", ["", "npm error", "[]"])
def test_output_that_is_no_report_is_named_by_its_last_error(
    text: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit.main(prints(text, root), prints(text, root), root) == 2
    assert "printed no report: Connection refused." in capsys.readouterr().err


def test_a_tool_that_is_missing_is_reported_for_each_file(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = [str(root / "missing")]
    assert audit.main(missing, missing, root) == 2
    assert "missing did not start: No such file or directory." in capsys.readouterr().err


def test_a_tool_that_does_not_end_is_reported_for_each_file(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "_SECONDS", 0.01)
    assert audit.main(prints("", root), prints("", root), root) == 2
    assert "did not end within 0.01 s." in capsys.readouterr().err
