"""The whole stack: which component is made of which, in the order of need."""

import pulumi
import pulumi_aws as aws

from . import site_files
from .function import Function
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

    def __init__(
        self, name: str, settings: Settings, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        page = site_files.built() if settings.website else ()  # raises before anything is there
        super().__init__("counter:infra:CounterStack", name, {}, opts)
        # The default provider is off (Pulumi.*.yaml): a resource that is not a child of this
        # component fails, rather than land in whatever region the shell points at.
        provider = aws.Provider(
            "aws",
            region=settings.region,
            default_tags={"tags": {"project": pulumi.get_project(), "stack": settings.stack}},
            opts=pulumi.ResourceOptions(parent=self),
        )
        child = pulumi.ResourceOptions(parent=self, providers={"aws": provider})
        self.tables = Tables("tables", settings, opts=child)
        api = WebSocketApi("websocket", settings, opts=child)
        self.website = (
            Website("website", settings, page, api.url, opts=child) if settings.website else None
        )
        self.function = Function("function", settings, self.tables, api, opts=child)
        self.stage = WebSocketStage("stage", settings, api, self.function.function, opts=child)
        self.register_outputs(self.exports())

    def exports(self) -> dict[str, pulumi.Output[str]]:
        """The outputs of the stack, by the names that `pulumi stack output` knows."""
        outputs = {
            "WebSocketApiEndpoint": self.stage.url,
            "ConnectionsTableName": self.tables.connections.name,
            "CounterTableName": self.tables.counter.name,
            "FunctionName": self.function.function.name,
        }
        if self.website:
            outputs["WebsiteUrl"] = self.website.url
        return outputs
