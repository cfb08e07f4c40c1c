"""The pages show the figures of bench/results/, and the arithmetic behind these is right."""

import json
import re
from dataclasses import astuple, replace
from pathlib import Path

import pytest

from bench import coalescing, cost, fan_out, memory, publish
from bench.report import RESULTS, ROOT, Row, load_name, read
from bench.rounds import Sample, summary
from bench.simulated_service import MEMORY_MB
from bench.stub_aws import respond
from counter_service.costs import forecast, prices, units
from counter_service.costs.bill import Usage, bill, total
from counter_service.costs.forecast import Load
from counter_service.costs.units import usage

OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
PERFORMANCE = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", publish.PAGES, ids=lambda page: page.name)
def test_page_shows_the_last_results(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<!-- bench:" in text
    assert publish.rendered(text) == text, "Run python -m bench.publish."


@pytest.mark.parametrize("question", [file.stem for file in RESULTS.glob("*.json")])
def test_results_were_measured_on_a_commit_and_are_published(question: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{7,}", read(question)["commit"])
    assert f"<!-- bench:{question} -->" in PERFORMANCE


def test_every_question_has_results_and_is_named_on_the_page() -> None:
    assert {file.stem for file in RESULTS.glob("*.json")} == publish.QUESTIONS.keys()
    [named] = re.findall(r"# One of (.*) and (\w+):", PERFORMANCE)
    assert [*named[0].split(", "), named[1]] == list(publish.QUESTIONS)


def test_performance_names_the_memory_that_suits_each_audience() -> None:
    rows = read("memory")["rows"]
    suitable = {
        memory.suitable([row for row in rows if row["clients"] == clients])
        for clients in memory.AUDIENCES
    }
    [(memory_mb, *audiences)] = re.findall(
        r"([\d,]+) MB, the default, suit ([\d,]+), ([\d,]+) and ([\d,]+) clients", PERFORMANCE
    )
    assert suitable == {MEMORY_MB} == {int(memory_mb)}
    assert audiences == [f"{clients:,}" for clients in memory.AUDIENCES]


def test_operations_names_the_same_cost_as_the_results() -> None:
    totals = {
        (row["clients"], row["clicks_per_second"]): f"{row['total']:,.0f}"
        for row in read("cost")["rows"]
        if row["design"] == "counter service"
    }
    sentence = r"a million clicks cost \$([\d,]+) at one a second and \$([\d,]+)"
    assert re.findall(sentence, OPERATIONS) == [(totals[1000, 1], totals[1000, 100])]


def test_operations_names_the_same_prices() -> None:
    for price in (prices.MESSAGE, prices.CONNECTION_MINUTE, prices.WRITE_UNIT, prices.READ_UNIT):
        dollars = f"{price * prices.MILLION:.3f}".rstrip("0").ljust(4, "0")
        assert f"${dollars} a million" in OPERATIONS
    assert f"${prices.GB_SECOND:.10f} a GB s" in OPERATIONS


def test_usage_of_a_click_is_calculated_from_the_counts() -> None:
    counts = {"clicks": 100, "messages": 30_000, "broadcasts": 50, "lease_writes": 150}
    row = counts | {"clicks_per_second": 10, "clients": 600, "invocation_seconds": 20.0}
    # 600 rows of 60 bytes are 9 read units. A strongly consistent value is one more.
    assert _amounts(cost.counter_service(row)) == pytest.approx((1, 300, 1, 1, 0.1, 2.5, 5))
    usage = cost.baseline(row)
    assert (usage.messages_out, usage.write_units, usage.read_units) == (600, 1, 4.5)


def _amounts(usage: Usage) -> tuple[float, ...]:
    return astuple(usage)[:7]


def test_forecast_uses_the_measured_cpu_of_a_post() -> None:
    for used, client in (
        (units.POST_CPU_SECONDS, fan_out.COUNTER_SERVICE),
        (units.NAIVE_POST_CPU_SECONDS, fan_out.TUNED),
    ):
        assert used == pytest.approx(fan_out.cpu_seconds(client), rel=0.01)


@pytest.mark.parametrize(
    "row",
    [row for row in read("coalescing")["rows"] if row["design"] == coalescing.COUNTER_SERVICE],
    ids=load_name,
)
def test_forecast_agrees_with_the_simulation(row: Row) -> None:
    counted = cost.traffic(row)
    seconds = row["clicks"] / row["clicks_per_second"]
    load = Load(clients=row["clients"], clicks_per_second=row["clicks_per_second"], hours=24)
    expected = forecast.expected(load, cost.SIZING, exactly_once=False)
    found = usage(counted, row["clients"], cost.SIZING, exactly_once=False).times(1 / seconds)
    quiet = replace(expected, connections=0, value_requests=0)  # which the simulation leaves out
    model = usage(quiet, row["clients"], cost.SIZING, exactly_once=False).times(1 / load.seconds)
    assert _amounts(model) == pytest.approx(_amounts(found), rel=0.15)
    # A simulation has as few as 98 random clicks.
    assert total(bill(model)) == pytest.approx(total(bill(found)), rel=0.1)


def test_ratio_is_within_a_round() -> None:
    ours: list[Sample] = [{"ms": 1.0}, {"ms": 10.0}, {"ms": 1.0}]  # the machine was slow once
    theirs: list[Sample] = [{"ms": 4.0}, {"ms": 40.0}, {"ms": 5.0}]
    found = summary({"ours": ours, "theirs": theirs}, "ours")["theirs"]
    assert found == {"rounds": 3, "ms": 5.0, "ms_ratio": 4.0}


@pytest.mark.parametrize(
    ("cpu", "wall", "met"),
    [(35.0, 7.0, [True, True]), (34.9, 7.0, [False, True]), (35.0, 6.9, [True, False])],
)
def test_fan_out_bars_compare_with_the_best_boto3(cpu: float, wall: float, met: list[bool]) -> None:
    ratios = {fan_out.BASELINE: (cpu, 9.0), fan_out.TUNED: (30.0, wall), "counter service": (1, 1)}
    rows: list[Row] = [
        row | dict(zip(("cpu_us_ratio", "wall_ratio"), ratios[row["client"]], strict=True))
        for row in read("fan_out")["rows"]
        if row["client"] in ratios
    ]
    assert [bar.met for bar in fan_out.report(rows).bars] == met


@pytest.mark.parametrize(
    ("operation", "value", "response"),
    [
        ("UpdateItem", ":one", '{"Attributes": {"value": {"N": "42"}}}'),
        ("UpdateItem", ":me", '"broadcaster": {"S": "me"}'),
        ("Scan", "", '{"Items": [{"connectionId": {"S": "a"}}]}'),
    ],
)
def test_stub_of_aws_responds_to_a_click(operation: str, value: str, response: str) -> None:
    body = json.dumps({"ExpressionAttributeValues": {value: {"S": "me"}}}).encode()
    assert response in json.dumps(respond(operation, body, ["a"]))
