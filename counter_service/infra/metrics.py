"""Where the metrics of this stack are: what alarms watch and the dashboard shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import pulumi
import pulumi_aws as aws

from counter_service.runtime import contract

from .settings import Settings
from .tables import Tables
from .websocket_api import WebSocketApi


@dataclass(frozen=True, slots=True)
class Source:
    """The metrics that one part of the stack writes."""

    namespace: str
    dimensions: Mapping[str, pulumi.Input[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """`product` is written by runtime/metrics.py, the others by AWS."""

    product: Source
    function: Source
    api: Source
    connections: Source
    counter: Source

    @classmethod
    def of(
        cls, settings: Settings, tables: Tables, api: WebSocketApi, function: aws.lambda_.Function
    ) -> Self:
        # A WebSocket API's metrics have ApiId and Stage, not a REST API's ApiName:
        # docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-logging.html
        return cls(
            product=Source(contract.METRICS_NAMESPACE, {contract.METRICS_DIMENSION: function.name}),
            function=Source("AWS/Lambda", {"FunctionName": function.name}),
            api=Source("AWS/ApiGateway", {"ApiId": api.api.id, "Stage": settings.stage_name}),
            connections=Source("AWS/DynamoDB", {"TableName": tables.connections.name}),
            counter=Source("AWS/DynamoDB", {"TableName": tables.counter.name}),
        )
