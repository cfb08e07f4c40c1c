"""The configuration of a stack, read and checked as a deployment does it."""

from collections.abc import Mapping
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import Path

import pulumi

from counter_service.infra.settings import Settings
from counter_service.paths import ROOT
from counter_service.stack_files import config as stack_files

from .errors import UsageError


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack, which need not be deployed.

    Attributes:
        values: Text of each value by qualified key.
        settings: What the program makes of them.
    """

    name: str
    values: Mapping[str, str]
    settings: Settings


def read(name: str, root: Path = ROOT) -> Stack:
    """Read the configuration of a stack.

    Raises:
        UsageError: There is no such stack, or a value is wrong.
    """
    try:
        values = stack_files.read(name, root).values
        project = stack_files.project_name(root)
        # Pulumi keeps the configuration in context variables.
        settings = copy_context().run(_settings, name, project, values)
    except pulumi.RunError as problem:
        raise UsageError(str(problem)) from None
    return Stack(name, values, settings)


def _settings(stack: str, project: str, values: Mapping[str, str]) -> Settings:
    pulumi.runtime.set_all_config(dict(values))
    pulumi.runtime.settings.SETTINGS.project = project  # errors name its keys without a namespace
    return Settings.from_config(
        stack=stack, config=pulumi.Config(project), aws=pulumi.Config("aws")
    )
