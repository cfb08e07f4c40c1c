"""The WebSocket API, in two steps.

The function needs the API's address and the API's routes need the function, so the API itself
comes first (`WebSocketApi`), then the function, then routes and stage (`WebSocketStage`).
"""

from typing import Final

import pulumi
import pulumi_aws as aws

from counter_service.runtime import contract

from .access_logs import AccessLogs, AccountLogging
from .provider import Connection
from .settings import Settings

API: Final = "websocket-api"


class WebSocketApi(pulumi.ComponentResource):
    """`api`, and what the function must know of it.

    `address` is where its stages are served (wss, without a stage), `url` where this stage will
    answer, `management_endpoint` where the function posts, `connections_arn` what its role must
    allow for that, `invocations_arn` what the API calls the function as.
    """

    api: aws.apigatewayv2.Api
    address: pulumi.Output[str]
    url: pulumi.Output[str]
    management_endpoint: pulumi.Output[str]
    connections_arn: pulumi.Output[str]
    invocations_arn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        settings: Settings,
        connection: Connection,
        opts: pulumi.ResourceOptions | None = None,
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
        # Always the API's own host: @connections is not served on custom domains.
        self.address = connection.websocket_address(self.api)
        # Not the stage's invoke_url: the provider makes that of the region, whatever the endpoint.
        self.url = pulumi.Output.concat(self.address, f"/{stage}")
        self.management_endpoint = self.address.apply(
            lambda address: f"{_as_http(address)}/{stage}"
        )
        self.connections_arn = pulumi.Output.concat(
            self.api.execution_arn, f"/{stage}/POST/@connections/*"
        )
        self.invocations_arn = pulumi.Output.concat(self.api.execution_arn, f"/{stage}/*")
        self.register_outputs({"managementEndpoint": self.management_endpoint})


class WebSocketStage(pulumi.ComponentResource):
    """The three routes to the function, and the stage that serves them under the API's `url`."""

    stage: aws.apigatewayv2.Stage

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
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )
        previous: pulumi.Resource = integration
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
        child = pulumi.ResourceOptions(parent=self)
        logs = AccessLogs("access-logs", settings, opts=child) if settings.access_logs else None
        # An API without routes cannot be deployed, nor one with logs before the account has a role.
        needed: list[pulumi.Resource] = [previous]
        if settings.account_logging_role:
            needed.append(AccountLogging("account-logging", settings, opts=child))
        self.stage = aws.apigatewayv2.Stage(
            "websocket-stage",
            api_id=api.api.id,
            name=settings.stage_name,
            auto_deploy=True,
            # Settings without both limits mean a limit of zero: 429 for every message.
            default_route_settings={
                "throttling_rate_limit": settings.throttle_rate,
                "throttling_burst_limit": settings.throttle_burst,
            },
            access_log_settings={"destination_arn": logs.destination_arn, "format": logs.format}
            if logs
            else None,
            opts=pulumi.ResourceOptions(parent=self, depends_on=needed),
        )
        self.register_outputs({"stageName": self.stage.name})


def _as_http(address: str) -> str:
    """wss://host to https://host, and ws://host (an emulator) to http://host."""
    return "http" + address.removeprefix("ws") if address.startswith("ws") else address
