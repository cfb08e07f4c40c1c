"""docs/performance.md and the README say what the results say."""

import json
import re
from typing import Any

import pytest

from bench import publish
from bench.report import RESULTS, ROOT

KEPT = sorted(RESULTS.glob("*.json"))
TABLE = {"title": "Speed", "columns": ["", "ms"], "rows": [["ours", "1"]], "note": "Medians."}
FOUND: dict[str, Any] = {
    "tables": [TABLE],
    "bars": [{"promise": "at most 2", "measured": "1", "held": True}],
    "date": "2026-01-31",
    "machine": "2 x Fast",
    "python": "3.13",
    "commit": "abc1234",
}


@pytest.mark.parametrize("page", publish.PAGES, ids=lambda page: page.name)
def test_the_page_has_the_last_results(page: Any) -> None:
    text = page.read_text()
    assert "<!-- bench:" in text
    assert publish.rendered(text) == text, "run python -m bench.publish"


@pytest.mark.parametrize("file", KEPT, ids=lambda file: file.stem)
def test_results_are_of_a_commit(file: Any) -> None:
    assert re.fullmatch(r"[0-9a-f]{7,}", json.loads(file.read_text())["commit"])


@pytest.mark.parametrize("file", KEPT, ids=lambda file: file.stem)
def test_every_result_has_its_place(file: Any) -> None:
    assert f"<!-- bench:{file.stem} -->" in (ROOT / "docs" / "performance.md").read_text()


def test_operations_names_the_same_dollars() -> None:
    loads = json.loads((RESULTS / "cost.json").read_text())["data"]["loads"]
    ours = {(load["clients"], load["clicks_per_second"]): load["ours"] for load in loads}
    page = (ROOT / "docs" / "operations.md").read_text()
    sentence = re.search(r"a million clicks cost \$([\d,]+) at one a second and \$([\d,]+)", page)
    assert sentence
    assert sentence.groups() == (f"{ours[1000, 1]:,.0f}", f"{ours[1000, 100]:,.0f}")


def test_only_what_stands_between_markers_changes() -> None:
    page = "by hand\n<!-- bench:speed -->\nold\n<!-- bench:end -->\nby hand too\n"
    made = publish.rendered(page, lambda _: FOUND)
    assert made.startswith("by hand\n<!-- bench:speed -->\n**Speed**\n")
    assert made.endswith("\n<!-- bench:end -->\nby hand too\n")
    assert "old" not in made
    assert "| ours | 1 |" in made
    assert "- Held: at most 2. Measured: 1." in made
    assert "2026-01-31, 2 x Fast, Python 3.13, commit abc1234" in made
    assert publish.rendered(made, lambda _: FOUND) == made


def test_a_bar_that_was_missed_is_seen() -> None:
    missed = FOUND | {"bars": [{"promise": "at most 2", "measured": "3", "held": False}]}
    assert "**Missed**: at most 2" in publish.section("speed", missed)


def test_what_was_never_asked_is_said() -> None:
    assert "make bench QUESTION=speed" in publish.section("speed", None)
