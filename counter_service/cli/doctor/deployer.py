"""Checks of the Pulumi CLI: its version, its plugins, and its login. None changes anything."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from counter_service.toolchain import pulumi_cli
from counter_service.toolchain.errors import ToolchainError

from .finding import Finding, State

CLI, PLUGINS, LOGIN = "Pulumi CLI", "Pulumi plugins", "Pulumi state"
PLUGIN: Final = "aws"

# The CLI waits for a service that does not respond for longer.
SECONDS: Final = 10.0
# What the CLI says without a login, with PULUMI_BACKEND_URL and without.
_LOGGED_OUT: Final = ("requires logging in", "PULUMI_ACCESS_TOKEN must be set")

Ask = Callable[[Sequence[str]], str]


def asking(root: Path, environ: Mapping[str, str] = os.environ) -> Ask:
    """Return a function that returns what the CLI prints, or raises ToolchainError."""
    return lambda arguments: pulumi_cli.ask(root, arguments, environ, SECONDS)


def findings(stack: str, ask: Ask) -> list[Finding]:
    """Check the CLI, and then what only the CLI knows.

    Args:
        stack: The stack that would be deployed. The advice names it.
    """
    try:
        found = ask(["version"]).strip()
    except ToolchainError as problem:
        unchecked = [
            Finding(each, State.UNKNOWN, "needs the Pulumi CLI") for each in (PLUGINS, LOGIN)
        ]
        advice = f"make up STACK={stack} offers to install it into .toolchain."
        return [Finding(CLI, State.PROBLEM, str(problem), advice), *unchecked]
    return [Finding(CLI, State.OK, found), _plugins(ask), _login(ask)]


def selected_stack(ask: Ask) -> str | None:
    """The name of the selected stack, or None if there is none."""
    try:
        return ask(["stack", "--show-name"]).strip() or None
    except ToolchainError:
        return None


def _plugins(ask: Ask) -> Finding:
    try:
        wanted = version(f"pulumi-{PLUGIN}")
        listed = json.loads(ask(["plugin", "ls", "--json"]))
        installed = [each["version"] for each in listed if each["name"] == PLUGIN]
    except PackageNotFoundError:
        return Finding(
            PLUGINS,
            State.PROBLEM,
            f"the package pulumi-{PLUGIN} is not installed",
            "Run make run once, or make up, which install it.",
        )
    except (ToolchainError, ValueError, KeyError, TypeError) as problem:
        return Finding(PLUGINS, State.UNKNOWN, str(problem), "Run pulumi plugin ls.")
    if wanted in (each.removeprefix("v") for each in installed):
        return Finding(PLUGINS, State.OK, f"{PLUGIN} {wanted}")
    others = f"; there is {', '.join(installed)}" if installed else ""
    return Finding(
        PLUGINS,
        State.OK,
        f"{PLUGIN} {wanted} is not installed{others}",
        "pulumi up downloads it, some 200 MB. To do that now, run pulumi plugin install resource "
        f"{PLUGIN} {wanted}.",
    )


def _login(ask: Ask) -> Finding:
    try:
        account = json.loads(ask(["whoami", "--json"]))
        return Finding(LOGIN, State.OK, f"{account['user']} at {account['url']}")
    except ToolchainError as problem:
        if any(each in str(problem) for each in _LOGGED_OUT):
            return Finding(
                LOGIN,
                State.PROBLEM,
                "the Pulumi CLI is not logged in",
                "Run pulumi login, or pulumi login s3://<bucket> for a bucket.",
            )
        return Finding(LOGIN, State.UNKNOWN, str(problem), "Check the network, or pulumi whoami.")
    except (ValueError, KeyError, TypeError):
        return Finding(LOGIN, State.UNKNOWN, "the response of pulumi whoami has no user", "")
