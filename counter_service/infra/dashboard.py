"""The dashboard as data.

The shape of its body: docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/
CloudWatch-Dashboard-Body-Structure.html.
"""

from dataclasses import dataclass
from typing import Any, Final

from counter_service.runtime.contract import Metric

from .metrics import MetricSource, MetricSources

PERIOD_SECONDS: Final = 60

# In cells of the dashboard's grid, which has 24 columns.
_WIDTH: Final = 8
_HEIGHT: Final = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One metric in a graph."""

    source: MetricSource
    metric: str
    statistic: str = "Sum"  # or "Average", "Maximum", or a percentile such as "p99"
    label: str = ""  # empty: the name of the metric


@dataclass(frozen=True, slots=True)
class Graph:
    """One graph of the dashboard: a title and its lines."""

    title: str
    lines: tuple[Line, ...]


def graphs(sources: MetricSources) -> tuple[Graph, ...]:
    """The graphs in reading order: first what users notice, then what serves them."""
    custom, function, api = sources.custom, sources.function, sources.api
    return (
        Graph(
            "Clicks",
            (
                Line(custom, Metric.CLICKS),
                Line(custom, Metric.RETRIES),
                Line(custom, Metric.BROADCASTS),
                Line(custom, Metric.CLIENT_ERRORS),
                Line(custom, Metric.FAILURES),
            ),
        ),
        Graph(
            "Audience of a broadcast",
            (
                Line(custom, Metric.AUDIENCE, "Average", "average"),
                Line(custom, Metric.AUDIENCE, "Maximum", "largest"),
            ),
        ),
        Graph(
            "Lag from click to the end of its broadcast (ms)",
            (Line(custom, Metric.LAG, "p50", "p50"), Line(custom, Metric.LAG, "p99", "p99")),
        ),
        Graph(
            "Posts",
            (
                Line(custom, Metric.DELIVERED),
                Line(custom, Metric.GONE),
                Line(custom, Metric.SKIPPED),
                Line(custom, Metric.FORBIDDEN),
                Line(custom, Metric.THROTTLED),
            ),
        ),
        Graph(
            "Connections",
            (
                Line(custom, Metric.CONNECTS),
                Line(custom, Metric.DISCONNECTS),
                Line(api, "ConnectCount", label="Handshakes"),
            ),
        ),
        Graph(
            "API",
            (
                Line(api, "MessageCount"),
                Line(api, "ClientError"),
                Line(api, "IntegrationError"),
                Line(api, "ExecutionError"),
            ),
        ),
        Graph(
            "Function (ms)",
            (
                Line(function, "Duration", "p50", "p50"),
                Line(function, "Duration", "p99", "p99"),
            ),
        ),
        Graph(
            "Function (count)",
            (
                Line(function, "Errors"),
                Line(function, "Throttles"),
                Line(function, "ConcurrentExecutions", "Maximum"),
            ),
        ),
        Graph(
            "Tables",
            tuple(
                Line(table, metric, label=f"{name}: {label}")
                for name, table in (
                    ("connections", sources.connections),
                    ("counter", sources.counter),
                )
                for metric, label in (
                    ("ConsumedReadCapacityUnits", "read units"),
                    ("ConsumedWriteCapacityUnits", "write units"),
                    ("ReadThrottleEvents", "reads throttled"),
                    ("WriteThrottleEvents", "writes throttled"),
                )
            ),
        ),
    )


def body(region: str, sources: MetricSources) -> dict[str, Any]:
    """The dashboard's body. It contains Outputs, so convert it with pulumi.Output.json_dumps."""
    per_row = 24 // _WIDTH
    return {
        "widgets": [
            {
                "type": "metric",
                "x": number % per_row * _WIDTH,
                "y": number // per_row * _HEIGHT,
                "width": _WIDTH,
                "height": _HEIGHT,
                "properties": {
                    "title": graph.title,
                    "view": "timeSeries",
                    "region": region,
                    "period": PERIOD_SECONDS,
                    "metrics": [_metric(line) for line in graph.lines],
                },
            }
            for number, graph in enumerate(graphs(sources))
        ]
    }


def _metric(line: Line) -> list[Any]:
    """The line in CloudWatch's form.

    Example: ["AWS/Lambda", "Errors", "FunctionName", "websocket-dev", {"stat": "Sum"}].
    """
    dimensions = [each for pair in line.source.dimensions.items() for each in pair]
    label = {"label": line.label} if line.label else {}
    return [line.source.namespace, line.metric, *dimensions, {"stat": line.statistic} | label]
