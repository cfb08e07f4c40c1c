"""The Pulumi program: settings, stack, outputs."""

import pulumi

from counter_service.infra.settings import Settings
from counter_service.infra.stack import CounterStack

settings = Settings.from_config(
    stack=pulumi.get_stack(), config=pulumi.Config(), aws=pulumi.Config("aws")
)

for name, value in CounterStack("counter", settings).exports().items():
    pulumi.export(name, value)
