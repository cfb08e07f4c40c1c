"""The one Lambda function, with its role and its log group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pulumi
import pulumi_aws as aws

from counter_service.runtime import contract

from . import bundle, policies
from .names import Names
from .tables import Tables

FUNCTION: Final = "websocket"
RUNTIME: Final = "python3.13"
ARCHITECTURE: Final = "arm64"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationArgs:
    """The OpenID Connect issuer whose tokens clients need.

    Args:
        jwks_url: URL of the issuer's keys. Empty: taken from the issuer's discovery document.
        dependencies: Files of PyJWT and its dependencies, by their paths in the archive.
    """

    issuer: str
    audience: str
    jwks_url: str
    dependencies: Mapping[str, Path]


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionArgs:
    """Arguments of CounterFunction.

    Args:
        management_endpoint: https URL of the stage, below which the function posts.
        connections_arns: ARNs for posting to the stage's connections and for closing them.
        reserved_concurrency: Invocations reserved for the function; 0 reserves none.
        posts_per_second: Posts per second to all clients, more than 0.
        clicks_per_second: Messages per second of one connection; 0 sets no limit.
        allowed_origins: Origins whose pages may connect, as browsers send them.
        authentication: None lets clients connect without a token.
    """

    names: Names
    tables: Tables
    management_endpoint: pulumi.Input[str]
    connections_arns: Sequence[pulumi.Input[str]]
    memory_mb: int
    timeout_seconds: int
    reserved_concurrency: int
    log_retention_days: int
    tracing: bool
    counter_shards: int
    posts_per_second: int
    clicks_per_second: int
    allowed_origins: Sequence[pulumi.Input[str]]
    allow_localhost: bool
    allow_missing_origin: bool
    authentication: AuthenticationArgs | None


class CounterFunction(pulumi.ComponentResource):
    """The function that serves CONNECT, DISCONNECT and MESSAGE of the API.

    Attributes:
        name: Name of the function.
        invoke_arn: The URI by which API Gateway invokes the function.
    """

    name: pulumi.Output[str]
    invoke_arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: FunctionArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("counter:infra:Function", name, {}, opts)
        self._args = args
        self._resource_name = args.names.resource_name(FUNCTION)
        self._child = pulumi.ResourceOptions(parent=self)
        log_group = self._create_log_group()
        role = self._create_role()
        policy = self._create_policy(role, log_group)
        function = self._create_function(role, policy, log_group)
        self._allow_self_invocation(function, role)
        self.name = function.name
        self.invoke_arn = function.invoke_arn
        self.register_outputs({"functionName": function.name})

    def _create_log_group(self) -> aws.cloudwatch.LogGroup:
        return aws.cloudwatch.LogGroup(
            f"{FUNCTION}-logs",
            name=f"/aws/lambda/{self._resource_name}",
            retention_in_days=self._args.log_retention_days,
            opts=self._child,
        )

    def _create_role(self) -> aws.iam.Role:
        return aws.iam.Role(
            f"{FUNCTION}-role",
            name=self._args.names.global_name(FUNCTION),
            description="What the WebSocket function may do",
            assume_role_policy=pulumi.Output.json_dumps(policies.ASSUMED_BY_LAMBDA),
            opts=self._child,
        )

    def _create_policy(
        self, role: aws.iam.Role, log_group: aws.cloudwatch.LogGroup
    ) -> aws.iam.RolePolicy:
        args = self._args
        document = policies.function_policy(
            connections_table_arn=args.tables.connections.arn,
            counter_table_arn=args.tables.counter.arn,
            connections_api_arns=args.connections_arns,
            log_group_arn=log_group.arn,
            tracing=args.tracing,
            limits_clicks=args.clicks_per_second > 0,
        )
        return aws.iam.RolePolicy(
            f"{FUNCTION}-policy",
            name=self._resource_name,
            role=role.name,
            policy=pulumi.Output.json_dumps(document),
            opts=self._child,
        )

    def _create_function(
        self, role: aws.iam.Role, policy: aws.iam.RolePolicy, log_group: aws.cloudwatch.LogGroup
    ) -> aws.lambda_.Function:
        args = self._args
        dependencies = args.authentication.dependencies if args.authentication else {}
        return aws.lambda_.Function(
            FUNCTION,
            name=self._resource_name,
            description="Serves the realtime counter's WebSocket events",
            runtime=RUNTIME,
            architectures=[ARCHITECTURE],
            handler=contract.HANDLER,
            code=bundle.archive(packages=dependencies),
            role=role.arn,
            memory_size=args.memory_mb,
            timeout=args.timeout_seconds,
            reserved_concurrent_executions=args.reserved_concurrency or None,
            # Set the block in both cases, because without it the provider keeps the old value.
            tracing_config={"mode": "Active" if args.tracing else "PassThrough"},
            environment={"variables": environment(args)},
            # Set no level, because one above INFO would drop the lines that contain the metrics.
            logging_config={"log_format": "JSON", "log_group": log_group.name},
            # Create these first, because the function may be invoked as soon as it exists.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy, log_group]),
        )

    def _allow_self_invocation(self, function: aws.lambda_.Function, role: aws.iam.Role) -> None:
        aws.iam.RolePolicy(
            f"{FUNCTION}-hand-over-policy",
            name=f"{self._resource_name}-hand-over",
            role=role.name,
            policy=pulumi.Output.json_dumps(policies.hand_over_policy(function.arn)),
            opts=self._child,
        )
        # Under sustained clicks, invocations keep handing over. Lambda would treat the 17th as a
        # recursive loop and drop it, but this chain ends when the clicks do
        # (docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html).
        aws.lambda_.FunctionRecursionConfig(
            f"{FUNCTION}-recursion",
            function_name=function.name,
            recursive_loop="Allow",
            opts=self._child,
        )
        # A continued broadcast is not retried, because the next click or get-current broadcasts
        # anyway. Lambda's defaults are two retries, and six hours for an event that it throttles
        # (docs.aws.amazon.com/lambda/latest/dg/invocation-async-configuring.html).
        aws.lambda_.FunctionEventInvokeConfig(
            f"{FUNCTION}-asynchronous",
            function_name=function.name,
            maximum_retry_attempts=0,
            maximum_event_age_in_seconds=60,  # the least that Lambda accepts
            opts=self._child,
        )


def environment(args: FunctionArgs) -> dict[str, pulumi.Input[str]]:
    """The function's environment variables, as runtime/settings.py reads them."""
    variables: dict[str, pulumi.Input[str]] = {
        contract.ENV_CONNECTIONS_TABLE: args.tables.connections.name,
        contract.ENV_COUNTER_TABLE: args.tables.counter.name,
        contract.ENV_COUNTER_SHARDS: str(args.counter_shards),
        contract.ENV_MANAGEMENT_ENDPOINT: args.management_endpoint,
        contract.ENV_POSTS_PER_SECOND: str(args.posts_per_second),
        contract.ENV_ALLOW_LOCALHOST: str(args.allow_localhost).lower(),
        contract.ENV_ALLOW_MISSING_ORIGIN: str(args.allow_missing_origin).lower(),
        contract.ENV_CLICKS_PER_SECOND: str(args.clicks_per_second),
    }
    if args.allowed_origins:
        variables[contract.ENV_ALLOWED_ORIGINS] = pulumi.Output.all(*args.allowed_origins).apply(
            ",".join
        )
    if args.authentication:
        variables[contract.ENV_AUTH_ISSUER] = args.authentication.issuer
        variables[contract.ENV_AUTH_AUDIENCE] = args.authentication.audience
        if args.authentication.jwks_url:
            variables[contract.ENV_AUTH_JWKS_URL] = args.authentication.jwks_url
    return variables
