"""The CloudWatch metrics of this stack, which the alarms and the dashboard use."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import pulumi

from counter_service.runtime import contract

from .tables import Tables


@dataclass(frozen=True, slots=True)
class MetricSource:
    """The namespace and dimensions of the metrics of one part of the stack."""

    namespace: str
    dimensions: Mapping[str, pulumi.Input[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSources:
    """The metric sources of a stack. The function writes to `custom`, and AWS to the others."""

    custom: MetricSource
    function: MetricSource
    api: MetricSource
    connections: MetricSource
    counter: MetricSource

    @classmethod
    def of(
        cls,
        *,
        function_name: pulumi.Input[str],
        api_id: pulumi.Input[str],
        stage_name: str,
        tables: Tables,
    ) -> Self:
        """The sources of one stack, from the names of its resources."""
        # A WebSocket API's metrics have ApiId and Stage, not the ApiName of a REST API:
        # docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-logging.html
        return cls(
            custom=MetricSource(
                contract.METRICS_NAMESPACE, {contract.METRICS_DIMENSION: function_name}
            ),
            function=MetricSource("AWS/Lambda", {"FunctionName": function_name}),
            api=MetricSource("AWS/ApiGateway", {"ApiId": api_id, "Stage": stage_name}),
            connections=MetricSource("AWS/DynamoDB", {"TableName": tables.connections.name}),
            counter=MetricSource("AWS/DynamoDB", {"TableName": tables.counter.name}),
        )
