"""The composition root: translates the settings into each component's arguments."""

from dataclasses import replace
from pathlib import Path

import pulumi

from . import auth_dependencies, domain, site_files
from .domain import CustomDomain, CustomDomainArgs
from .emulator import EmulatorOverrides
from .function import ARCHITECTURE, RUNTIME, AuthenticationArgs, CounterFunction, FunctionArgs
from .metrics import MetricSources
from .names import Names
from .observability import Observability, ObservabilityArgs
from .provider import AwsConnection
from .settings import Settings
from .tables import Tables, TablesArgs
from .website import Website, WebsiteArgs
from .websocket_api import WebSocketApi, WebSocketApiArgs, WebSocketStage, WebSocketStageArgs


class CounterStack(pulumi.ComponentResource):
    """All resources of one stack, in one region, tagged with the stack's name."""

    def __init__(
        self, name: str, settings: Settings, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        # These raise pulumi.RunError, so they come before the first resource.
        connection = AwsConnection.from_config(pulumi.Config("aws"))
        overrides = EmulatorOverrides.from_config()
        if not overrides.custom_domain:
            settings = replace(settings, domain_name="", hosted_zone_id="")
        authentication = _authentication(settings, overrides)
        files = site_files.built() if settings.website else ()

        super().__init__("counter:infra:CounterStack", name, {}, opts)
        self._settings = settings
        self._names = Names(stack=settings.stack, region=settings.region)
        self._tags = {"project": pulumi.get_project(), "stack": settings.stack}
        self._child = self._child_options(connection)

        self._tables = self._create_tables()
        self._api = self._create_api(overrides)
        self._url = (
            pulumi.Output.from_input(domain.url(settings.domain_name))
            if settings.domain_name
            else self._api.url
        )
        self._website = self._create_website(files) if settings.website else None
        self._function = self._create_function(authentication)
        self._stage = self._create_stage()
        serving: list[pulumi.Resource] = [self._function, self._stage]
        if settings.domain_name:
            serving.append(self._create_domain())
        if self._website:
            self._website.publish(self._url, after=serving)
        self._create_observability()
        self.register_outputs(self.exports())

    def exports(self) -> dict[str, pulumi.Output[str]]:
        """The outputs of the stack, by their names in `pulumi stack output`."""
        outputs = {
            "WebSocketApiEndpoint": self._url,
            "ConnectionsTableName": self._tables.connections.name,
            "CounterTableName": self._tables.counter.name,
            "FunctionName": self._function.name,
        }
        if self._website:
            outputs["WebsiteUrl"] = self._website.url
        return outputs

    def _child_options(self, connection: AwsConnection) -> pulumi.ResourceOptions:
        # Pulumi.*.yaml disables the default provider. A resource that is not a child of this
        # component therefore fails, instead of being created in the region of the shell.
        provider = connection.provider(
            "aws",
            region=self._settings.region,
            tags=self._tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return pulumi.ResourceOptions(parent=self, providers={"aws": provider})

    def _create_tables(self) -> Tables:
        args = TablesArgs(
            names=self._names,
            max_read_units=self._settings.table_max_read_units,
            max_write_units=self._settings.table_max_write_units,
            keep_data=self._settings.keep_data,
        )
        return Tables("tables", args, opts=self._child)

    def _create_api(self, overrides: EmulatorOverrides) -> WebSocketApi:
        args = WebSocketApiArgs(
            names=self._names,
            stage_name=self._settings.stage_name,
            base_url=overrides.web_socket_base_url,
        )
        return WebSocketApi("websocket", args, opts=self._child)

    def _create_website(self, files: tuple[site_files.SiteFile, ...]) -> Website:
        # Allow the API's own address beside the domain's. Pages that were loaded before the domain
        # was added use it until the domain works, which is never if its certificate stays invalid.
        args = WebsiteArgs(
            names=self._names, files=files, web_socket_urls=[self._url, self._api.url]
        )
        return Website("website", args, opts=self._child)

    def _create_function(self, authentication: AuthenticationArgs | None) -> CounterFunction:
        settings = self._settings
        site_origins = [self._website.origin] if self._website else []
        args = FunctionArgs(
            names=self._names,
            tables=self._tables,
            management_endpoint=self._api.management_endpoint,
            connections_arns=self._api.connections_arns,
            memory_mb=settings.memory_mb,
            timeout_seconds=settings.timeout_seconds,
            reserved_concurrency=settings.reserved_concurrency,
            log_retention_days=settings.log_retention_days,
            tracing=settings.tracing,
            counter_shards=settings.counter_shards,
            posts_per_second=settings.posts_per_second,
            clicks_per_second=settings.clicks_per_second,
            allowed_origins=[*site_origins, *settings.allowed_origins],
            allow_localhost=settings.allow_localhost,
            allow_missing_origin=settings.allow_missing_origin,
            authentication=authentication,
        )
        return CounterFunction("function", args, opts=self._child)

    def _create_stage(self) -> WebSocketStage:
        settings = self._settings
        args = WebSocketStageArgs(
            names=self._names,
            api=self._api,
            function=self._function,
            stage_name=settings.stage_name,
            throttle_rate=settings.throttle_rate,
            throttle_burst=settings.throttle_burst,
            access_logs=settings.access_logs,
            log_retention_days=settings.log_retention_days,
            account_logging_role=settings.account_logging_role,
        )
        return WebSocketStage("stage", args, opts=self._child)

    def _create_domain(self) -> CustomDomain:
        args = CustomDomainArgs(
            domain_name=self._settings.domain_name,
            hosted_zone_id=self._settings.hosted_zone_id,
            stage=self._stage,
        )
        return CustomDomain("domain", args, opts=self._child)

    def _create_observability(self) -> None:
        settings = self._settings
        sources = MetricSources.of(
            function_name=self._function.name,
            api_id=self._api.id,
            stage_name=settings.stage_name,
            tables=self._tables,
        )
        args = ObservabilityArgs(
            names=self._names,
            sources=sources,
            tags=self._tags,
            timeout_seconds=settings.timeout_seconds,
            posts_per_second=settings.posts_per_second,
            alarms=settings.alarms,
            alarm_email=settings.alarm_email,
            dashboard=settings.dashboard,
            budget_usd=settings.budget_usd,
        )
        if args.is_enabled:
            Observability("observability", args, opts=self._child)


def _authentication(settings: Settings, overrides: EmulatorOverrides) -> AuthenticationArgs | None:
    if not settings.auth_issuer:
        return None
    tag = overrides.platform or auth_dependencies.platform_tag(RUNTIME, ARCHITECTURE)
    return AuthenticationArgs(
        issuer=settings.auth_issuer,
        audience=settings.auth_audience,
        jwks_url=settings.auth_jwks_url,
        dependencies=auth_dependencies.files(Path(settings.auth_packages), tag),
    )
