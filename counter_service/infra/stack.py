"""The whole stack: which component is made of which, in the order of need."""

import pulumi

from . import domain, observability, site_files
from .function import Function
from .metrics import Sources
from .provider import Connection
from .settings import Settings
from .tables import Tables
from .website import Website
from .websocket_api import WebSocketApi, WebSocketStage


class CounterStack(pulumi.ComponentResource):
    """Everything of one environment, in one region, tagged with its stack."""

    tables: Tables
    website: Website | None
    function: Function
    stage: WebSocketStage
    url: pulumi.Output[str]  # where clients connect

    def __init__(
        self, name: str, settings: Settings, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        page = site_files.built() if settings.website else ()  # raises before anything is there
        super().__init__("counter:infra:CounterStack", name, {}, opts)
        tags = {"project": pulumi.get_project(), "stack": settings.stack}
        # The default provider is off (Pulumi.*.yaml): a resource that is not a child of this
        # component fails, rather than land in whatever region the shell points at.
        connection = Connection.from_config(pulumi.Config("aws"))
        provider = connection.provider(
            "aws",
            region=settings.region,
            tags=tags,
            opts=pulumi.ResourceOptions(parent=self),
        )
        child = pulumi.ResourceOptions(parent=self, providers={"aws": provider})
        self.tables = Tables("tables", settings, opts=child)
        api = WebSocketApi("websocket", settings, connection, opts=child)
        self.url = pulumi.Output.from_input(domain.url(settings) or api.url)
        self.website = (
            Website("website", settings, page, self.url, opts=child) if settings.website else None
        )
        self.function = Function(
            "function",
            settings,
            self.tables,
            api,
            site_origin=self.website.origin if self.website else None,
            opts=child,
        )
        self.stage = WebSocketStage("stage", settings, api, self.function.function, opts=child)
        if settings.domain_name:
            domain.CustomDomain("domain", settings, self.stage.stage, opts=child)
        if observability.wanted(settings):
            sources = Sources.of(settings, self.tables, api, self.function.function)
            observability.Observability("observability", settings, sources, tags, opts=child)
        self.register_outputs(self.exports())

    def exports(self) -> dict[str, pulumi.Output[str]]:
        """The outputs of the stack, by the names that `pulumi stack output` knows."""
        outputs = {
            "WebSocketApiEndpoint": self.url,
            "ConnectionsTableName": self.tables.connections.name,
            "CounterTableName": self.tables.counter.name,
            "FunctionName": self.function.function.name,
        }
        if self.website:
            outputs["WebsiteUrl"] = self.website.url
        return outputs
