"""`counter cost`: its tables, its JSON, and its errors."""

import json
import re
from typing import Any

import pytest

from counter_service.cli import app
from counter_service.cli.errors import ExitCode
from counter_service.paths import ROOT

OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
DOCUMENTED = ("--clients", "100", "--clicks", "0.2778", "--hours", "8", "--stack", "prod")


def run(*arguments: str) -> int:
    return app.run(["cost", *arguments])


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert run(*arguments, "--json") == ExitCode.OK
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_cost_prints_the_bill_that_operations_documents(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert run(*DOCUMENTED) == ExitCode.OK
    shown = capsys.readouterr().out
    [documented] = re.findall(
        rf"\$ counter cost {' '.join(DOCUMENTED)}\n(.*?)```", OPERATIONS, re.DOTALL
    )
    assert [line.rstrip() for line in shown.splitlines()] == documented.splitlines()


def test_json_has_the_sum_of_its_items(capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(capsys, *DOCUMENTED)
    for design in ("counter", "naive"):
        items = found[design]["items"]
        assert found[design]["usd"] == pytest.approx(sum(item["usd"] for item in items))
        assert all(item["usd"] == item["amount"] * item["price"] for item in items)
    assert found["load"] == {"clients": 100, "clicks_per_second": 0.2778, "hours": 8, "days": 30}
    assert (found["stack"], found["prices"], found["notes"]) == ("prod", "us-east-1", [])


def test_json_has_an_effect_for_each_setting(capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(capsys, *DOCUMENTED)
    effects = {each["key"]: (each["now"], each["instead"]) for each in found["effects"]}
    assert effects["postsPerSecond"] == (1000, 5000)
    assert effects["alarms"] == (True, False)
    assert len(effects) == len(found["settings"])


def test_cost_takes_the_settings_of_the_stack(capsys: pytest.CaptureFixture[str]) -> None:
    settings = as_json(capsys, "--clients", "1", "--clicks", "1")["settings"]
    assert (settings["alarms"], settings["posts_per_second"]) == (False, 5000)
    settings = as_json(capsys, "--clients", "1", "--clicks", "1", "--stack", "prod")["settings"]
    assert (settings["alarms"], settings["posts_per_second"]) == (True, 1000)


def test_notes_say_what_would_be_refused(capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(capsys, "--clients", "10", "--clicks", "2000", "--stack", "prod")["notes"]
    assert "\n".join(found) == (
        "The naive design would post 20,000 messages a second, and API Gateway accepts 10,000 "
        "requests in eu-central-1. Its bill is the price if it could.\n"
        "throttleRate is 1,000, so API Gateway refuses the other clicks. Raise it.\n"
        "Each client clicks 200 times a second, and clicksPerSecond allows 20. Raise it.\n"
        "The counter has 4 rows, and one takes about 50 clicks a second. Raise counterShards, or "
        "clients get busy and retry."
    )


@pytest.mark.parametrize("width", ["80", "120"])
def test_tables_fit_into_a_terminal(
    width: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    assert run("--clients", "10000", "--clicks", "1000") == ExitCode.OK
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= int(width)
    assert "…" not in shown
    assert re.search(
        r"^messages from clients +2\.60 billion +\$1\.00 a million", shown, re.MULTILINE
    )


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (
            ["--clients", "0", "--clicks", "1"],
            "The number of clients is 0, but must be from 1 to 1,000,000.",
        ),
        (
            ["--clients", "1", "--clicks", "-1"],
            "The clicks per second are -1, but must be from 0 to 10,000, API Gateway's quota.",
        ),
        (
            ["--clients", "1", "--clicks", "1", "--hours", "nan"],
            "The hours of a day are nan, but must be more than 0 and at most 24.",
        ),
        (["--clicks", "1"], "Missing option '--clients'. See counter cost --help."),
    ],
)
def test_wrong_load_is_one_sentence(
    arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == ExitCode.USAGE
    assert capsys.readouterr() == ("", f"error: {error}\n")


def test_unknown_stack_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--clients", "1", "--clicks", "1", "--stack", "nowhere") == ExitCode.USAGE
    assert capsys.readouterr().err.startswith("error: There is no stack 'nowhere'. Use one of dev")
