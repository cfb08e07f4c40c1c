"""What is made of checkov's answer; that checkov itself finds things, `make audit` proves."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from audit import checkov, planted, terraform
from audit.errors import AuditError
from audit.findings import Finding


def report(resources: int, errors: int = 0) -> dict[str, Any]:
    failed = {"check_id": "CKV_1", "resource": "aws_x.y", "check_name": "Be good"}
    return {
        "results": {"failed_checks": [failed]},
        "summary": {"parsing_errors": errors, "resource_count": resources},
    }


def test_failed_checks_are_findings() -> None:
    assert checkov.findings("dev", json.dumps(report(2)), "", 2) == [
        Finding("dev", "CKV_1", "aws_x.y", "Be good")
    ]


@pytest.mark.parametrize(
    ("output", "log", "sentence"),
    [
        (json.dumps(report(1)), "", "checkov read 1 of 2 resources of stack dev"),
        (json.dumps(report(2, errors=1)), "", "checkov read 2 of 2 resources"),
        ('{"passed": 0, "resource_count": 0}', "", "read 0 of 2 resources"),
        ("Traceback", "first\nno such option\n", "read 0 of 2 .*: no such option"),
        ("[]", "", "read 0 of 2"),
    ],
)
def test_what_was_not_read_is_an_error(output: str, log: str, sentence: str) -> None:
    with pytest.raises(AuditError, match=sentence):
        checkov.findings("dev", output, log, 2)


def test_a_tool_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match=r"checkov did not start: .*make audit"):
        checkov.scan(tmp_path / "checkov", "dev", 'resource "a" "b" {}')


def fake(folder: Path, failed: list[tuple[str, str]]) -> Path:
    """A checkov that finds these."""
    answer = {
        "results": {
            "failed_checks": [
                {"check_id": check, "resource": resource, "check_name": ""}
                for check, resource in failed
            ]
        },
        "summary": {"parsing_errors": 0, "resource_count": len(planted.RESOURCES)},
    }
    tool = folder / "checkov"
    tool.write_text(f"#!{sys.executable}\nprint({json.dumps(answer)!r})\n")
    tool.chmod(0o755)
    return tool


def test_what_was_planted_has_to_be_found(tmp_path: Path) -> None:
    planted.prove(fake(tmp_path, sorted(planted.EXPECTED)))


@pytest.mark.parametrize("missed", sorted(planted.EXPECTED))
def test_what_is_missed_is_named(tmp_path: Path, missed: tuple[str, str]) -> None:
    with pytest.raises(AuditError, match=f"planted for it: {missed[0]} on {missed[1]}"):
        planted.prove(fake(tmp_path, sorted(planted.EXPECTED - {missed})))


def test_what_is_planted_can_be_written_down() -> None:
    text = terraform.configuration(planted.RESOURCES)
    assert all(f'"{resource.split(".")[1]}"' in text for _, resource in planted.EXPECTED)
