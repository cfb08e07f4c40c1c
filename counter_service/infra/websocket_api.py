"""The WebSocket API, in two steps.

The function needs the API's address and the API's routes need the function, so the API itself
comes first (`WebSocketApi`), then the function, then routes and stage (`WebSocketStage`).
"""

from typing import Final

import pulumi
import pulumi_aws as aws

from counter_service.runtime import contract

from .settings import Settings

API: Final = "websocket-api"


class WebSocketApi(pulumi.ComponentResource):
    """`api`, and what the function must know of it.

    `management_endpoint` is where the function posts, `connections_arn` what its role must allow
    for that, `invocations_arn` what the API calls the function as. `url` (wss) is where the stage
    will answer.
    """

    api: aws.apigatewayv2.Api
    url: pulumi.Output[str]
    management_endpoint: pulumi.Output[str]
    connections_arn: pulumi.Output[str]
    invocations_arn: pulumi.Output[str]

    def __init__(
        self, name: str, settings: Settings, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("counter:infra:WebSocketApi", name, {}, opts)
        stage = settings.stage_name
        self.api = aws.apigatewayv2.Api(
            API,
            name=settings.physical_name(API),
            protocol_type="WEBSOCKET",
            route_selection_expression="$request.body.action",
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.url = pulumi.Output.concat(self.api.api_endpoint, f"/{stage}")
        # Always the API's own host: @connections is not served on custom domains.
        self.management_endpoint = self.api.api_endpoint.apply(
            lambda endpoint: f"{_as_http(endpoint)}/{stage}"
        )
        self.connections_arn = pulumi.Output.concat(
            self.api.execution_arn, f"/{stage}/POST/@connections/*"
        )
        self.invocations_arn = pulumi.Output.concat(self.api.execution_arn, f"/{stage}/*")
        self.register_outputs({"managementEndpoint": self.management_endpoint})


class WebSocketStage(pulumi.ComponentResource):
    """The three routes to the function, and the stage that serves them under `url` (wss)."""

    url: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        settings: Settings,
        api: WebSocketApi,
        function: aws.lambda_.Function,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("counter:infra:WebSocketStage", name, {}, opts)
        permission = aws.lambda_.Permission(
            "websocket-permission",
            action="lambda:InvokeFunction",
            function=function.name,
            principal="apigateway.amazonaws.com",
            source_arn=api.invocations_arn,  # without it anyone's API could call the function
            opts=pulumi.ResourceOptions(parent=self),
        )
        integration = aws.apigatewayv2.Integration(
            "websocket-integration",
            api_id=api.api.id,
            integration_type="AWS_PROXY",
            integration_method="POST",
            integration_uri=function.invoke_arn,
            opts=pulumi.ResourceOptions(parent=self),
        )
        previous: pulumi.Resource = permission
        for route_key in contract.ROUTES:
            # One after the other: routes created at the same time answer 409 to each other.
            previous = aws.apigatewayv2.Route(
                f"websocket-route-{route_key.removeprefix('$')}",
                api_id=api.api.id,
                route_key=route_key,
                authorization_type="NONE",
                target=pulumi.Output.concat("integrations/", integration.id),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[previous]),
            )
        stage = aws.apigatewayv2.Stage(
            "websocket-stage",
            api_id=api.api.id,
            name=settings.stage_name,
            auto_deploy=True,
            # Settings without both limits mean a limit of zero: 429 for every message.
            default_route_settings={
                "throttling_rate_limit": settings.throttle_rate,
                "throttling_burst_limit": settings.throttle_burst,
            },
            # An API without routes cannot be deployed.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[previous]),
        )
        self.url = stage.invoke_url
        self.register_outputs({"url": self.url})


def _as_http(endpoint: str) -> str:
    """wss://host to https://host, and ws://host (an emulator) to http://host."""
    return "http" + endpoint.removeprefix("ws") if endpoint.startswith("ws") else endpoint
