"""What an event came to, as metrics in CloudWatch's embedded metric format. Pure.

The format: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/
CloudWatch_Embedded_Metric_Format_Specification.html. On Lambda a JSON line on standard output is
enough, and under the JSON log format a line that is JSON already stays as it is
(docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html). So the fields go
into the handler's one log line, and need no request, permission or library.
"""

from typing import Any, Final

from .contract import METRICS_DIMENSION, METRICS_NAMESPACE, Metric
from .core.service import Outcome

_UNITS: Final = {Metric.LAG: "Milliseconds"}  # the others are counts


def embedded(
    report: Outcome, *, function: str, now: int, requested_at: int | None
) -> dict[str, Any]:
    """Fields of a log line from which CloudWatch takes metrics; none if there is nothing to count.

    `now` and `requested_at` are epoch milliseconds::

        {"_aws": {"Timestamp": 1772545391164, "CloudWatchMetrics": [{
            "Namespace": "CounterService", "Dimensions": [["FunctionName"]],
            "Metrics": [{"Name": "Connects", "Unit": "Count"}]}]},
         "FunctionName": "websocket-dev", "Connects": 1}
    """
    values = _counted(report)
    if Metric.BROADCASTS in values and requested_at is not None:
        values[Metric.LAG] = max(0, now - requested_at)  # two clocks
    if not values:
        return {}
    directive = {
        "Namespace": METRICS_NAMESPACE,
        "Dimensions": [[METRICS_DIMENSION]],
        "Metrics": [{"Name": name, "Unit": _UNITS.get(name, "Count")} for name in values],
    }
    return {
        "_aws": {"Timestamp": now, "CloudWatchMetrics": [directive]},
        METRICS_DIMENSION: function,
        **{name.value: value for name, value in values.items()},
    }


def _counted(report: Outcome) -> dict[Metric, int]:
    """Only what happened: a metric that is not written costs nothing, and its sum is 0 as well."""
    audience = report.delivered + report.gone + report.skipped + report.forbidden
    broadcast = report.broadcasts > 0
    click = report.action == "increment" and report.value is not None
    counted = {
        Metric.CLICKS: click and not report.counted_before,
        Metric.RETRIES: report.retries,
        Metric.BROADCASTS: report.broadcasts,
        Metric.AUDIENCE: audience if broadcast else 0,
        Metric.DELIVERED: report.delivered,
        Metric.GONE: report.gone,
        Metric.SKIPPED: report.skipped,
        Metric.FORBIDDEN: report.forbidden,
        Metric.CONNECTS: report.action == "connect" and report.error is None,
        Metric.DISCONNECTS: report.action == "disconnect" and report.error is None,
        Metric.CLIENT_ERRORS: report.error is not None and not report.is_our_failure,
        Metric.FAILURES: report.is_our_failure,
    }
    return {name: int(count) for name, count in counted.items() if count}
