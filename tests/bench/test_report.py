"""Tables, medians and ratios: what the figures pass through on their way to a page."""

import json
from pathlib import Path

import pytest

from bench import report, rounds
from bench.report import Bar, Report, Table

TABLE = Table("Speed", ["", "ours, ms"], [["a", "1"], ["longer", "1,000"]], "Medians.")


def test_a_table_for_a_terminal_is_aligned() -> None:
    assert TABLE.text().splitlines() == [
        *("Speed", ""),
        "        ours, ms",
        "------  --------",
        "a              1",
        "longer     1,000",
        "Medians.",
    ]


def test_a_table_for_a_page() -> None:
    assert TABLE.markdown().splitlines() == [
        *("**Speed**", "", "|  | ours, ms |", "| --- | ---: |"),
        *("| a | 1 |", "| longer | 1,000 |", "", "Medians."),
    ]


def test_what_is_published_can_be_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results")
    bar = Bar("at most 2", "3", held=False)
    Report("speed", [TABLE], [bar], {"figure": 3}).publish()
    assert "MISSED  at most 2: 3" in capsys.readouterr().out
    found = report.read("speed")
    assert Table(**found["tables"][0]).markdown() == TABLE.markdown()
    assert found["bars"] == [{"promise": "at most 2", "measured": "3", "held": False}]
    assert found["data"] == {"figure": 3}
    assert {"date", "machine", "python", "commit"} <= found.keys()
    json.dumps(found, allow_nan=False)


def test_peers_take_turns() -> None:
    order: list[str] = []

    def peer(name: str) -> dict[str, float]:
        order.append(name)
        return {"at": len(order)}

    samples = rounds.interleaved({"a": lambda: peer("a"), "b": lambda: peer("b")}, rounds=3)
    assert "".join(order) == "abbaab"
    assert [sample["at"] for sample in samples["b"]] == [2, 3, 6]


def test_a_ratio_is_within_a_round() -> None:
    """A machine that is ten times slower in one round changes the medians and not the ratio."""
    ours: list[rounds.Sample] = [{"ms": 1.0}, {"ms": 10.0}, {"ms": 1.0}]
    theirs: list[rounds.Sample] = [{"ms": 4.0}, {"ms": 40.0}, {"ms": 5.0}]
    assert rounds.ratio(ours, theirs, "ms") == 4
    assert rounds.middle(theirs, "ms") == 5
