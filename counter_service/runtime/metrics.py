"""The outcome of an event as metrics in CloudWatch's embedded metric format.

The format: docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/
CloudWatch_Embedded_Metric_Format_Specification.html. On Lambda a JSON line on standard output is
enough, and the JSON log format leaves lines that are JSON as they are
(docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html). So the metrics are
fields of the handler's one log line, and need no request, permission or library.
"""

from typing import Any, Final

from .contract import METRICS_DIMENSION, METRICS_NAMESPACE, Metric
from .core.outcome import Outcome
from .core.protocol import Action

_UNITS: Final = {Metric.LAG: "Milliseconds"}  # the others are counts


def embedded(
    outcome: Outcome, *, function: str, now_ms: int, requested_at_ms: int | None
) -> dict[str, Any]:
    """Fields of a log line that CloudWatch extracts metrics from; empty if nothing is counted.

    The times are epoch milliseconds::

        {"_aws": {"Timestamp": 1772545391164, "CloudWatchMetrics": [{
            "Namespace": "CounterService", "Dimensions": [["FunctionName"]],
            "Metrics": [{"Name": "Connects", "Unit": "Count"}]}]},
         "FunctionName": "websocket-dev", "Connects": 1}
    """
    values = _counted(outcome)
    if Metric.BROADCASTS in values and requested_at_ms is not None:
        # API Gateway's clock may be ahead of this machine's.
        values[Metric.LAG] = max(0, now_ms - requested_at_ms)
    if not values:
        return {}
    directive = {
        "Namespace": METRICS_NAMESPACE,
        "Dimensions": [[METRICS_DIMENSION]],
        "Metrics": [{"Name": name, "Unit": _UNITS.get(name, "Count")} for name in values],
    }
    return {
        "_aws": {"Timestamp": now_ms, "CloudWatchMetrics": [directive]},
        METRICS_DIMENSION: function,
        **{name.value: value for name, value in values.items()},
    }


def _counted(outcome: Outcome) -> dict[Metric, int]:
    """The metrics that are not 0. A metric that is not written costs nothing, and its sum is 0."""
    posts = outcome.deliveries
    audience = posts.delivered + posts.gone + posts.skipped + posts.forbidden
    counted = {
        Metric.CLICKS: outcome.counted,
        Metric.RETRIES: outcome.retries,
        Metric.BROADCASTS: posts.broadcasts,
        Metric.AUDIENCE: audience if posts.broadcasts else 0,
        Metric.DELIVERED: posts.delivered,
        Metric.GONE: posts.gone,
        Metric.SKIPPED: posts.skipped,
        Metric.FORBIDDEN: posts.forbidden,
        Metric.THROTTLED: posts.throttled,
        Metric.CONNECTS: outcome.action is Action.CONNECT and outcome.error is None,
        Metric.DISCONNECTS: outcome.action is Action.DISCONNECT and outcome.error is None,
        Metric.CLIENT_ERRORS: outcome.error is not None and not outcome.is_our_failure,
        Metric.FAILURES: outcome.is_our_failure,
    }
    return {name: int(count) for name, count in counted.items() if count}
