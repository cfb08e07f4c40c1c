"""Advisories are looked up by fake commands in the place of pip-audit and npm."""

import json
import sys
from pathlib import Path

import pytest

from counter_service.toolchain import audit
from counter_service.toolchain.lock import LOCKS
from counter_service.toolchain.places import ROOT

# Writes down where it runs and its arguments. Fails if one of them contains the first.
FAKE = """
import json, os, sys
failing, log, *arguments = sys.argv[1:]
with open(log, "a") as file:
    print(json.dumps([os.getcwd(), *arguments]), file=file)
sys.exit(any(failing in each for each in arguments))
"""


@pytest.mark.parametrize(
    ("failing", "named"),
    [
        ("nothing", None),
        ("dev.txt", "requirements/dev.txt"),
        ("web", "web/package-lock.json"),
        ("e", ", ".join([*LOCKS, "web/package-lock.json", "bench/node/package-lock.json"])),
    ],
    ids=["none", "pip-audit", "npm", "all"],
)
def test_audit_looks_up_every_lock_and_names_those_that_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], failing: str, named: str | None
) -> None:
    log = tmp_path / "log"
    fake = [sys.executable, "-c", FAKE, failing, str(log)]
    assert audit.main([*fake, "pip-audit"], [*fake, "npm"], tmp_path) == (1 if named else 0)
    folder, tool, *options = json.loads(log.read_text(encoding="utf-8").splitlines()[0])
    assert (folder, tool) == (str(tmp_path), "pip-audit")
    assert {"--strict", "--disable-pip", "--require-hashes"} <= set(options)
    calls = [json.loads(line)[1:] for line in log.read_text(encoding="utf-8").splitlines()]
    assert [call[-2:] for call in calls[:-2]] == [["--requirement", file] for file in LOCKS]
    assert calls[-2:] == [
        ["npm", "--prefix", str(tmp_path / each), "audit"] for each in ("web", "bench/node")
    ]
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == bool(named)
    assert all(f" for {named}, or the service did not" in error for error in errors)


def test_audit_takes_every_package_lock_of_the_repository() -> None:
    found = [*ROOT.glob("*/package-lock.json"), *ROOT.glob("bench/*/package-lock.json")]
    folders = {path.parent.relative_to(ROOT).as_posix() for path in found}
    assert folders == set(audit.NODE_PROJECTS)
