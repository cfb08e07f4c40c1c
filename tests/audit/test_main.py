"""The command: what it prints and how it ends."""

from pathlib import Path

import pytest

from audit import __main__ as command
from audit import advisories, checkov, planted
from audit.errors import AuditError
from audit.findings import Finding


@pytest.fixture(autouse=True)
def found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Finding]:
    """What checkov finds in stack dev; advisories know nothing."""
    findings: list[Finding] = []
    waivers = tmp_path / "waivers.yaml"
    waivers.touch()
    monkeypatch.setattr(command, "WAIVERS", waivers)
    monkeypatch.setattr(planted, "prove", lambda tool: None)
    monkeypatch.setattr(checkov, "scan", lambda tool, stack, text: findings)
    monkeypatch.setattr(advisories, "python", lambda tool, file: [])
    monkeypatch.setattr(advisories, "node", lambda npm, folder: [])
    return findings


def test_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--stacks", "dev"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "graph of dev: nothing to do"
    assert "requirements-audit.txt: nothing to do" in printed
    assert printed[-1] == "web/package-lock.json: nothing to do"


def test_a_finding(found: list[Finding], capsys: pytest.CaptureFixture[str]) -> None:
    found.append(Finding("dev", "CKV_1", "aws_x.y", "Be good"))
    assert command.main(["--stacks", "dev", "--offline"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "graph of dev: 1 to do",
        "  CKV_1 aws_x.y in dev: Be good. Fix it, or waive it with a reason in audit/waivers.yaml.",
        "Not looked at: advisories about the packages (OFFLINE=1).",
    ]


def test_what_could_not_be_looked_at_is_worse_than_what_was_found(
    found: list[Finding], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreachable(npm: Path, folder: Path) -> list[str]:
        raise AuditError("No answer.")

    found.append(Finding("dev", "CKV_1", "aws_x.y", "Be good"))
    monkeypatch.setattr(advisories, "node", unreachable)
    assert command.main(["--stacks", "dev"]) == 2
    output = capsys.readouterr()
    assert output.err == "error: No answer.\n"
    assert "requirements.txt: nothing to do" in output.out  # the rest is looked at all the same


def test_a_stack_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--stacks", "nowhere", "--offline"]) == 2
    assert capsys.readouterr().err.startswith("error: There is no stack 'nowhere': use one of dev")


def test_what_checkov_reads_can_be_kept(tmp_path: Path) -> None:
    assert command.main(["--stacks", "dev", "prod", "--offline", "--keep", str(tmp_path)]) == 0
    for stack in ("dev", "prod"):
        assert "aws_dynamodb_table" in (tmp_path / stack / "main.tf").read_text()
