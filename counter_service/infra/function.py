"""The one Lambda function, with its role and its log group."""

from pathlib import Path
from typing import Final

import pulumi
import pulumi_aws as aws

from counter_service.runtime import contract

from . import bundle, packages, policies
from .settings import Settings
from .tables import Tables
from .websocket_api import WebSocketApi

FUNCTION: Final = "websocket"
RUNTIME: Final = "python3.13"
ARCHITECTURE: Final = "arm64"


class Function(pulumi.ComponentResource):
    """The function that serves CONNECT, DISCONNECT and MESSAGE of the API."""

    function: aws.lambda_.Function

    def __init__(
        self,
        name: str,
        settings: Settings,
        tables: Tables,
        api: WebSocketApi,
        site_origin: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("counter:infra:Function", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        physical_name = settings.physical_name(FUNCTION)

        log_group = aws.cloudwatch.LogGroup(
            f"{FUNCTION}-logs",
            name=f"/aws/lambda/{physical_name}",
            retention_in_days=settings.log_retention_days,
            opts=child,
        )
        role = aws.iam.Role(
            f"{FUNCTION}-role",
            name=f"{physical_name}-{settings.region}",  # roles are global, stacks are regional
            description="What the WebSocket function may do",
            assume_role_policy=pulumi.Output.json_dumps(policies.ASSUMED_BY_LAMBDA),
            opts=child,
        )
        policy = aws.iam.RolePolicy(
            f"{FUNCTION}-policy",
            name=physical_name,
            role=role.name,
            policy=pulumi.Output.json_dumps(
                policies.function_policy(
                    connections_table_arn=tables.connections.arn,
                    counter_table_arn=tables.counter.arn,
                    connections_api_arn=api.connections_arn,
                    log_group_arn=log_group.arn,
                    tracing=settings.tracing,
                    limits_clicks=settings.clicks_per_second > 0,
                )
            ),
            opts=child,
        )
        self.function = aws.lambda_.Function(
            FUNCTION,
            name=physical_name,
            description="Serves the realtime counter's WebSocket events",
            runtime=RUNTIME,
            architectures=[ARCHITECTURE],
            handler=contract.HANDLER,
            code=bundle.archive(packages=_packages(settings)),
            role=role.arn,
            memory_size=settings.memory_mb,
            timeout=settings.timeout_seconds,
            reserved_concurrent_executions=settings.reserved_concurrency or None,
            # Said both ways: without the block the provider leaves tracing as it was.
            tracing_config={"mode": "Active" if settings.tracing else "PassThrough"},
            environment={
                "variables": {
                    contract.ENV_CONNECTIONS_TABLE: tables.connections.name,
                    contract.ENV_COUNTER_TABLE: tables.counter.name,
                    contract.ENV_COUNTER_SHARDS: str(settings.counter_shards),
                    contract.ENV_MANAGEMENT_ENDPOINT: api.management_endpoint,
                    contract.ENV_BROADCAST_INTERVAL_MS: str(settings.broadcast_interval_ms),
                    **_access(settings, site_origin),
                }
            },
            # No level: one above INFO would keep the metrics back with the lines that carry them.
            logging_config={"log_format": "JSON", "log_group": log_group.name},
            # The function may run as soon as it exists: by then it can log and has its rights.
            opts=pulumi.ResourceOptions(parent=self, depends_on=[policy, log_group]),
        )
        aws.iam.RolePolicy(
            f"{FUNCTION}-hand-over-policy",
            name=f"{physical_name}-hand-over",
            role=role.name,
            policy=pulumi.Output.json_dumps(policies.hand_over_policy(self.function.arn)),
            opts=child,
        )
        # Under clicks without a pause one invocation hands over to the next again and again, and
        # Lambda takes the 17th for a loop and drops it. This one ends with the clicks
        # (docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html).
        aws.lambda_.FunctionRecursionConfig(
            f"{FUNCTION}-recursion",
            function_name=self.function.name,
            recursive_loop="Allow",
            opts=child,
        )
        self.register_outputs({"functionName": self.function.name})


def _access(
    settings: Settings, site_origin: pulumi.Input[str] | None
) -> dict[str, pulumi.Input[str]]:
    """Who may connect, and how fast they click, as the function reads it."""
    origins: list[pulumi.Input[str]] = [
        *([] if site_origin is None else [site_origin]),
        *settings.allowed_origins,
    ]
    access: dict[str, pulumi.Input[str]] = {
        contract.ENV_ALLOW_LOCALHOST: str(settings.allow_localhost).lower(),
        contract.ENV_ALLOW_MISSING_ORIGIN: str(settings.allow_missing_origin).lower(),
        contract.ENV_CLICKS_PER_SECOND: str(settings.clicks_per_second),
    }
    if origins:
        access[contract.ENV_ALLOWED_ORIGINS] = pulumi.Output.all(*origins).apply(",".join)
    if settings.auth:
        access[contract.ENV_AUTH_ISSUER] = settings.auth_issuer
        access[contract.ENV_AUTH_AUDIENCE] = settings.auth_audience
        if settings.auth_jwks_url:
            access[contract.ENV_AUTH_JWKS_URL] = settings.auth_jwks_url
    return access


def _packages(settings: Settings) -> dict[str, Path]:
    if not settings.auth:
        return {}
    tag = packages.platform(RUNTIME, ARCHITECTURE)
    return packages.files(Path(settings.auth_packages), tag)
