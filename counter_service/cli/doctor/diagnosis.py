"""All checks of `counter doctor`, in the order in which they are shown."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Final

from counter_service.cli import configuration
from counter_service.cli.configuration import Stack
from counter_service.cli.errors import UsageError
from counter_service.paths import ROOT

from . import account, deployer, machine
from .account import Clients
from .deployer import Ask
from .finding import Finding, State

DEFAULT_STACK: Final = "dev"  # the Makefile's default
STACK: Final = "Stack"

# A machine without a network may take longer to resolve a name than botocore's time-outs are.
AWS_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The findings for a stack."""

    stack: str
    findings: list[Finding]

    def count(self, state: State) -> int:
        """The number of findings with this state."""
        return sum(each.state is state for each in self.findings)


def diagnose(
    stack: str | None,
    root: Path = ROOT,
    environ: Mapping[str, str] = os.environ,
    *,
    ask: Ask | None = None,
    clients: Clients | None = None,
    aws_seconds: float = AWS_SECONDS,
) -> Diagnosis:
    """Check everything that a deployment of a stack needs.

    Args:
        stack: Its name; by default the selected one, or else that of `make up`.
        root: The checkout.
        environ: PATH, and whatever the CLI reads.
        ask: Asks the Pulumi CLI.
        clients: Returns clients of AWS.
        aws_seconds: Time for all calls to AWS together.
    """
    ask = ask or deployer.asking(root, environ)
    tools = deployer.findings(stack or DEFAULT_STACK, ask)
    has_pulumi = all(each.state is State.OK for each in tools)
    chosen = stack or (deployer.selected_stack(ask) if has_pulumi else None)
    name = chosen or DEFAULT_STACK
    found = [machine.python(root), machine.node_of(root, environ), *tools]
    website = True
    try:
        configured = configuration.read(name, root)
    except UsageError as problem:
        advice = "Correct it, or name another stack with --stack."
        found.append(Finding(STACK, State.PROBLEM, str(problem), advice))
        found += account.unchecked(account.SUBJECTS, "needs the configuration of the stack")
    else:
        found.append(_stack(configured, is_default=chosen is None))
        found += _in_time(configured, clients or account.clients_of(configured), aws_seconds)
        website = configured.settings.website
    found.append(machine.built_page(root, wanted=website))
    return Diagnosis(name, found)


def _stack(stack: Stack, *, is_default: bool) -> Finding:
    found = f"{stack.name}, in {stack.settings.region}"
    advice = "No stack is selected. Check another one with --stack." if is_default else ""
    return Finding(STACK, State.OK, found, advice)


def _in_time(stack: Stack, clients: Clients, seconds: float) -> list[Finding]:
    """The findings about the account, as far as AWS responds in time."""
    arrived: list[Finding] = []

    def collect() -> None:
        for each in account.findings(stack, clients):
            arrived.append(each)  # noqa: PERF402  # one by one, because the time may be up

    # A daemon, which does not keep the process alive.
    thread = Thread(target=collect, daemon=True)
    thread.start()
    thread.join(seconds)
    found = list(arrived)
    subjects = {each.subject for each in found}
    late = tuple(each for each in account.SUBJECTS if each not in subjects)
    return found + account.unchecked(late, f"AWS did not respond within {seconds:g} s")
