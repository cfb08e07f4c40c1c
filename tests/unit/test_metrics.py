import json

import pytest

from counter_service.runtime import metrics
from counter_service.runtime.contract import Metric
from counter_service.runtime.core.outcome import DeliveryStats, Outcome
from counter_service.runtime.core.protocol import ErrorCode
from tests.unit.outcomes import outcome

NOW_MS = 1_772_545_391_500
REQUESTED_AT_MS = NOW_MS - 336

INCOMPLETE, STALE_ROWS_LEFT = "broadcast-incomplete", "cleanup-incomplete"
OURS = {ErrorCode.BUSY, ErrorCode.UNAVAILABLE, ErrorCode.UNKNOWN_OUTCOME}
CLICK = outcome("increment", 42, broadcasts=1, delivered=3, gone=2, skipped=1, forbidden=4)
POSTS = {"Delivered": 3, "Gone": 2, "Skipped": 1, "Forbidden": 4}

# Outcomes, and the metrics that they come to.
CASES: dict[str, tuple[Outcome, dict[str, int]]] = {
    "connect": (outcome("connect"), {"Connects": 1}),
    "disconnect": (outcome("disconnect"), {"Disconnects": 1}),
    "get-current": (outcome("get-current", 41, delivered=1), {"Delivered": 1}),
    "no post": (outcome("get-current", 41), {}),
    "click": (CLICK, {"Clicks": 1, "Broadcasts": 1, "Audience": 10, **POSTS, "Lag": 336}),
    "click with stale rows left": (
        outcome("increment", 42, error=STALE_ROWS_LEFT, broadcasts=1, delivered=1, gone=1),
        {"Clicks": 1, "Broadcasts": 1, "Audience": 2, "Delivered": 1, "Gone": 1}
        | {"Failures": 1, "Lag": 336},
    ),
    "click that another invocation broadcasts": (
        outcome("increment", 42, delivered=1),
        {"Clicks": 1, "Delivered": 1},
    ),
    "click with repeated broadcasts": (
        outcome("increment", 42, broadcasts=3, delivered=30),
        {"Clicks": 1, "Broadcasts": 3, "Audience": 30, "Delivered": 30, "Lag": 336},
    ),
    "click that conflicted": (
        outcome("increment", 42, retries=3, delivered=1),
        {"Clicks": 1, "Retries": 3, "Delivered": 1},
    ),
    "click that conflicted at every attempt": (
        outcome("increment", error=ErrorCode.BUSY, retries=15),
        {"Retries": 15, "Failures": 1},
    ),
    "click that was counted before": (
        outcome("increment", 42, counted_before=True, delivered=1),
        {"Delivered": 1},
    ),
    "click whose broadcast is throttled": (
        outcome("increment", 42, broadcasts=1, delivered=1, skipped=1, throttled=7),
        {
            "Clicks": 1,
            "Broadcasts": 1,
            "Audience": 2,
            "Delivered": 1,
            "Skipped": 1,
            "Throttled": 7,
            "Lag": 336,
        },
    ),
    "click with an incomplete broadcast": (
        outcome("increment", 42, error=INCOMPLETE),
        {"Clicks": 1, "Failures": 1},
    ),
    **{
        f"error {code}": (
            outcome("increment" if code in OURS else "invalid", error=code),
            {"Failures" if code in OURS else "ClientErrors": 1},
        )
        for code in ErrorCode
    },
}


def embedded(result: Outcome, requested_at_ms: int | None = REQUESTED_AT_MS) -> str:
    """The fields as the text of a log line."""
    return json.dumps(
        metrics.embedded(
            result, function="websocket-dev", now_ms=NOW_MS, requested_at_ms=requested_at_ms
        )
    )


def expected(values: dict[str, int]) -> str:
    """The same text, written by the rules of the embedded metric format.

    Every metric is a number beside `_aws`, and the dimension is a text there.
    """
    if not values:
        return "{}"
    units = {name: "Milliseconds" if name == "Lag" else "Count" for name in values}
    directive = {
        "Namespace": "CounterService",
        "Dimensions": [["FunctionName"]],
        "Metrics": [{"Name": name, "Unit": unit} for name, unit in units.items()],
    }
    aws = {"Timestamp": NOW_MS, "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": aws, "FunctionName": "websocket-dev", **values})


@pytest.mark.parametrize(("result", "values"), CASES.values(), ids=CASES)
def test_metrics_of_an_outcome_are_a_document_for_cloudwatch(
    result: Outcome, values: dict[str, int]
) -> None:
    assert embedded(result) == expected(values)


def test_metrics_are_each_written_by_some_outcome() -> None:
    assert {name for _, values in CASES.values() for name in values} == set(Metric)


def test_lag_metric_is_never_negative() -> None:
    """The clocks of API Gateway and of the function are two."""
    assert json.loads(embedded(CLICK, requested_at_ms=NOW_MS + 5))["Lag"] == 0


def test_lag_metric_is_missing_without_the_time_of_the_request() -> None:
    assert "Lag" not in json.loads(embedded(CLICK, requested_at_ms=None))


def test_log_fields_of_an_outcome_have_no_name_of_a_metric() -> None:
    names = {*Outcome.__dataclass_fields__, *DeliveryStats.__dataclass_fields__}
    assert not names & set(Metric)
