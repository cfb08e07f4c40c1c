"""The WebSocket API, created in two steps.

The function needs the API's address, and the API's routes need the function. So the API comes first
(`WebSocketApi`), then the function, then the routes and the stage (`WebSocketStage`).
"""

from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_aws as aws

from counter_service.runtime import contract

from .access_logs import AccessLogs, AccessLogsArgs, AccountLogging, AccountLoggingArgs
from .function import CounterFunction
from .names import Names

API: Final = "websocket-api"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketApiArgs:
    """Arguments of WebSocketApi.

    Args:
        base_url: Where an emulator serves APIs, as `{base_url}/{API id}/{stage}`. None on AWS,
            where the API's endpoint is used.
    """

    names: Names
    stage_name: str
    base_url: str | None = None


class WebSocketApi(pulumi.ComponentResource):
    """The API without its routes.

    Attributes:
        id: Id of the API.
        url: wss URL of the stage.
        management_endpoint: https URL of the stage, below which the function posts.
        connections_arns: ARNs for posting to the stage's connections and for closing them.
        invocations_arn: Source ARN of the API when it invokes the function.
    """

    id: pulumi.Output[str]
    url: pulumi.Output[str]
    management_endpoint: pulumi.Output[str]
    connections_arns: list[pulumi.Output[str]]
    invocations_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: WebSocketApiArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("counter:infra:WebSocketApi", name, {}, opts)
        api = aws.apigatewayv2.Api(
            API,
            name=args.names.resource_name(API),
            protocol_type="WEBSOCKET",
            route_selection_expression="$request.body.action",
            opts=pulumi.ResourceOptions(parent=self),
        )
        # Use the API's own host, because it serves @connections with and without a custom domain.
        # Do not use the stage's invoke_url: the provider builds it from the region and ignores the
        # configured endpoint.
        address = (
            pulumi.Output.concat(args.base_url, "/", api.id) if args.base_url else api.api_endpoint
        )
        stage = args.stage_name
        self.id = api.id
        self.url = pulumi.Output.concat(address, f"/{stage}")
        self.management_endpoint = address.apply(lambda url: f"{_as_http(url)}/{stage}")
        self.connections_arns = [
            pulumi.Output.concat(api.execution_arn, f"/{stage}/{method}/@connections/*")
            for method in ("POST", "DELETE")
        ]
        self.invocations_arn = pulumi.Output.concat(api.execution_arn, f"/{stage}/*")
        self.register_outputs({"managementEndpoint": self.management_endpoint})


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketStageArgs:
    """Arguments of WebSocketStage.

    Args:
        throttle_rate: Requests per second that the stage accepts over all clients.
        throttle_burst: Requests that it accepts at once, the capacity of its token bucket.
        access_logs: Whether each request is logged.
        log_retention_days: How long the access logs are kept.
        account_logging_role: Whether this stack creates the account's role for access logs.
    """

    names: Names
    api: WebSocketApi
    function: CounterFunction
    stage_name: str
    throttle_rate: int
    throttle_burst: int
    access_logs: bool
    log_retention_days: int
    account_logging_role: bool


class WebSocketStage(pulumi.ComponentResource):
    """The three routes to the function, and the stage that serves them at the API's `url`.

    Attributes:
        api_id: Id of the API, once the stage exists.
        name: Name of the stage, once the stage exists.
    """

    api_id: pulumi.Output[str]
    name: pulumi.Output[str]

    def __init__(
        self, name: str, args: WebSocketStageArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("counter:infra:WebSocketStage", name, {}, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        stage = self._create_stage(self._create_routes(self._create_integration()))
        self.api_id = stage.api_id
        self.name = stage.name
        self.register_outputs({"stageName": stage.name})

    def _create_integration(self) -> aws.apigatewayv2.Integration:
        args = self._args
        permission = aws.lambda_.Permission(
            "websocket-permission",
            action="lambda:InvokeFunction",
            function=args.function.name,
            principal="apigateway.amazonaws.com",
            source_arn=args.api.invocations_arn,  # without it, every API could invoke the function
            opts=self._child,
        )
        return aws.apigatewayv2.Integration(
            "websocket-integration",
            api_id=args.api.id,
            integration_type="AWS_PROXY",
            integration_method="POST",
            integration_uri=args.function.invoke_arn,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[permission]),
        )

    def _create_routes(self, integration: aws.apigatewayv2.Integration) -> pulumi.Resource:
        """Create the routes one after the other; return the last.

        API Gateway responds with 409 to routes that are created at the same time.
        """
        previous: pulumi.Resource = integration
        for route_key in contract.ROUTES:
            previous = aws.apigatewayv2.Route(
                f"websocket-route-{route_key.removeprefix('$')}",
                api_id=self._args.api.id,
                route_key=route_key,
                authorization_type="NONE",
                target=pulumi.Output.concat("integrations/", integration.id),
                opts=pulumi.ResourceOptions(parent=self, depends_on=[previous]),
            )
        return previous

    def _create_stage(self, last_route: pulumi.Resource) -> aws.apigatewayv2.Stage:
        args = self._args
        # API Gateway cannot deploy an API without routes, or with access logs before the account
        # has a role for them.
        needed = [last_route]
        if args.account_logging_role:
            account_args = AccountLoggingArgs(names=args.names)
            needed.append(AccountLogging("account-logging", account_args, opts=self._child))
        return aws.apigatewayv2.Stage(
            "websocket-stage",
            api_id=args.api.id,
            name=args.stage_name,
            auto_deploy=True,
            # Set both limits. If only one is set, the other is 0, and every message gets a 429.
            default_route_settings={
                "throttling_rate_limit": args.throttle_rate,
                "throttling_burst_limit": args.throttle_burst,
            },
            access_log_settings=self._access_log_settings(),
            opts=pulumi.ResourceOptions(parent=self, depends_on=needed),
        )

    def _access_log_settings(self) -> aws.apigatewayv2.StageAccessLogSettingsArgsDict | None:
        args = self._args
        if not args.access_logs:
            return None
        logs_args = AccessLogsArgs(names=args.names, retention_days=args.log_retention_days)
        logs = AccessLogs("access-logs", logs_args, opts=self._child)
        return {"destination_arn": logs.destination_arn, "format": logs.format}


def _as_http(url: str) -> str:
    """wss://host as https://host, and ws://host (an emulator) as http://host."""
    return "http" + url.removeprefix("ws") if url.startswith("ws") else url
