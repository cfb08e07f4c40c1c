"""Runs checkov over Terraform configuration, without its service: no policies from elsewhere."""

import json
import tempfile
from pathlib import Path
from typing import Any

from .command import run
from .errors import AuditError
from .findings import Finding


def scan(checkov: Path, stack: str, configuration: str) -> list[Finding]:
    """The failed checks.

    Raises AuditError when checkov did not read all of it: what is not read has no failed checks.
    """
    with tempfile.TemporaryDirectory(prefix="counter-service-") as folder:
        (Path(folder) / "main.tf").write_text(configuration)
        result = run(
            [
                *(checkov, "--directory", folder, "--framework", "terraform"),
                *("--output", "json", "--quiet", "--compact", "--skip-download"),
            ],
            name="checkov",
            LOG_LEVEL="ERROR",  # its log goes to the same places as its results unless it is quiet
        )
    return findings(stack, result.stdout, result.stderr, configuration.count('\nresource "') + 1)


def findings(stack: str, output: str, log: str, resources: int) -> list[Finding]:
    """What checkov's JSON says. `resources` is how many it was given."""
    try:
        report: Any = json.loads(output)
    except ValueError:
        report = None
    if not isinstance(report, dict):
        report = {}
    read = report.get("summary", report).get("resource_count", 0)
    if "results" not in report or report["summary"]["parsing_errors"] or read != resources:
        last = log.strip().splitlines()[-1:] or ["it said nothing"]
        raise AuditError(
            f"checkov read {read} of {resources} resources of stack {stack}: {last[0]}."
        )
    return [
        Finding(stack, check["check_id"], check["resource"], check["check_name"])
        for check in report["results"]["failed_checks"]
    ]
