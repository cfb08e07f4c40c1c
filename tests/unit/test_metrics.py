"""Every event's metrics, against the rules of the embedded metric format."""

import json
from typing import Any

import pytest

from counter_service.runtime import metrics
from counter_service.runtime.contract import Metric
from counter_service.runtime.core.outcome import DeliveryStats, Outcome
from counter_service.runtime.core.protocol import ErrorCode
from tests.unit.outcomes import outcome

NOW = 1_772_545_391_500  # epoch milliseconds
CLICKED = NOW - 336

# What happened, and what is counted of it besides the function's name.
CASES: dict[str, tuple[Outcome, dict[str, int]]] = {
    "connect": (outcome("connect"), {"Connects": 1}),
    "disconnect": (outcome("disconnect"), {"Disconnects": 1}),
    "get-current": (outcome("get-current", 41, delivered=1), {"Delivered": 1}),
    "a click": (
        outcome("increment", 42, broadcasts=1, delivered=3, gone=2, skipped=1, forbidden=4),
        {
            "Clicks": 1,
            "Broadcasts": 1,
            "Audience": 10,
            "Delivered": 3,
            "Gone": 2,
            "Skipped": 1,
            "Forbidden": 4,
            "Lag": 336,
        },
    ),
    "a click, and ghosts that stay": (
        outcome("increment", 42, error="cleanup-incomplete", broadcasts=1, delivered=1, gone=1),
        {
            "Clicks": 1,
            "Broadcasts": 1,
            "Audience": 2,
            "Delivered": 1,
            "Gone": 1,
            "Failures": 1,
            "Lag": 336,
        },
    ),
    "a click while another broadcasts": (
        outcome("increment", 42, delivered=1),
        {"Clicks": 1, "Delivered": 1},
    ),
    "a busy second": (
        outcome("increment", 42, broadcasts=3, delivered=30),
        {"Clicks": 1, "Broadcasts": 3, "Audience": 30, "Delivered": 30, "Lag": 336},
    ),
    "a click that met others": (
        outcome("increment", 42, retries=3, delivered=1),
        {"Clicks": 1, "Retries": 3, "Delivered": 1},
    ),
    "a click that met too many": (
        outcome("increment", error=ErrorCode.BUSY, retries=15),
        {"Retries": 15, "Failures": 1},
    ),
    "a click that had counted before": (
        outcome("increment", 42, counted_before=True, delivered=1),
        {"Delivered": 1},
    ),
    "a click that few heard of": (
        outcome("increment", 42, error="broadcast-incomplete"),
        {"Clicks": 1, "Failures": 1},
    ),
    "a click that did not count": (
        outcome("increment", error=ErrorCode.UNAVAILABLE),
        {"Failures": 1},
    ),
    "a click that perhaps counted": (
        outcome("increment", error=ErrorCode.UNKNOWN_OUTCOME),
        {"Failures": 1},
    ),
    "a client's mistake": (outcome("invalid", error=ErrorCode.NOT_JSON), {"ClientErrors": 1}),
    "nothing to count": (outcome("get-current", 41), {}),
}


def embedded(report: Outcome, requested_at: int | None = CLICKED) -> dict[str, Any]:
    """As it is once it was a line of the log."""
    fields = metrics.embedded(
        report, function="websocket-dev", now_ms=NOW, requested_at_ms=requested_at
    )
    parsed: dict[str, Any] = json.loads(json.dumps(fields))
    return parsed


def broken_rules(document: dict[str, Any]) -> list[str]:
    """What CloudWatch would refuse, by the specification's rules."""
    broken = []
    aws = document["_aws"]
    if aws.keys() != {"Timestamp", "CloudWatchMetrics"}:
        broken.append("_aws has Timestamp and CloudWatchMetrics alone")
    if not (type(aws["Timestamp"]) is int and 10**12 < aws["Timestamp"] < 10**13):
        broken.append("Timestamp is epoch milliseconds")
    for directive in aws["CloudWatchMetrics"]:
        if directive.keys() != {"Namespace", "Dimensions", "Metrics"}:
            broken.append("a directive has Namespace, Dimensions and Metrics")
        if not 1 <= len(directive["Namespace"]) <= 1024 or directive["Namespace"].startswith("AWS"):
            broken.append("a namespace has 1 to 1024 characters, and AWS/ is not ours")
        for dimensions in directive["Dimensions"]:
            if len(dimensions) > 30:
                broken.append("at most 30 dimensions")
            if not all(isinstance(document.get(name), str) for name in dimensions):
                broken.append("a dimension is a text of the document")
        if not 1 <= len(directive["Metrics"]) <= 100:
            broken.append("1 to 100 metrics")
        for metric in directive["Metrics"]:
            if metric["Unit"] not in {"Count", "Milliseconds"}:
                broken.append("a unit is one that CloudWatch knows")
            if type(document.get(metric["Name"])) not in (int, float):
                broken.append("a metric is a number of the document")
    return broken


@pytest.mark.parametrize(("report", "expected"), CASES.values(), ids=CASES)
def test_counts(report: Outcome, expected: dict[str, int]) -> None:
    document = embedded(report)
    assert {key: value for key, value in document.items() if key in set(Metric)} == expected


@pytest.mark.parametrize(("report", "expected"), CASES.values(), ids=CASES)
def test_is_a_document_that_cloudwatch_takes(report: Outcome, expected: dict[str, int]) -> None:
    document = embedded(report)
    if not expected:
        assert document == {}
        return
    assert broken_rules(document) == []
    [directive] = document["_aws"]["CloudWatchMetrics"]
    assert [metric["Name"] for metric in directive["Metrics"]] == list(expected)
    assert document.keys() == {"_aws", "FunctionName", *expected}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda d: d["_aws"].update(Timestamp=NOW // 1000), "Timestamp is epoch milliseconds"),
        (lambda d: d["_aws"].update(More=1), "_aws has Timestamp and CloudWatchMetrics alone"),
        (lambda d: d.pop("FunctionName"), "a dimension is a text of the document"),
        (lambda d: d.pop("Connects"), "a metric is a number of the document"),
        (lambda d: d.update(Connects=True), "a metric is a number of the document"),
        (lambda d: d["_aws"]["CloudWatchMetrics"][0].update(Metrics=[]), "1 to 100 metrics"),
    ],
)
def test_the_rules_find_what_breaks_them(change: Any, rule: str) -> None:
    document = embedded(outcome("connect"))
    change(document)
    assert broken_rules(document) == [rule]


def test_lag_is_in_milliseconds_and_the_rest_are_counts() -> None:
    [directive] = embedded(CASES["a click"][0])["_aws"]["CloudWatchMetrics"]
    units = {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}
    assert units.pop("Lag") == "Milliseconds"
    assert set(units.values()) == {"Count"}


def test_lag_is_never_negative() -> None:
    """API Gateway's clock and the function's are two."""
    assert embedded(CASES["a click"][0], requested_at=NOW + 5)["Lag"] == 0


def test_no_lag_without_the_time_of_the_click() -> None:
    assert "Lag" not in embedded(CASES["a click"][0], requested_at=None)


def test_every_metric_is_written_by_some_event() -> None:
    assert {name for _, expected in CASES.values() for name in expected} == set(Metric)


@pytest.mark.parametrize("code", ErrorCode)
def test_every_error_is_somebodys(code: ErrorCode) -> None:
    ours = code in {ErrorCode.BUSY, ErrorCode.UNAVAILABLE, ErrorCode.UNKNOWN_OUTCOME}
    document = embedded(outcome("invalid", error=code))
    assert document["Failures" if ours else "ClientErrors"] == 1


def test_the_log_of_an_event_has_no_key_that_a_metric_takes() -> None:
    names = {*Outcome.__dataclass_fields__, *DeliveryStats.__dataclass_fields__}
    assert not names & set(Metric)
