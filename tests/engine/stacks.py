"""Stacks of the program that Pulumi's engine deploys into an account of these tests."""

import dataclasses
import runpy
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import yaml
from pulumi import automation
from pulumi.automation import events
from pulumi.runtime.mocks import Mocks

from counter_service.paths import ROOT
from counter_service.program import qualified
from counter_service.stack_files.config import PROJECT_FILE

from . import conditions, visitor
from .account import Account
from .provider import AwsProvider, serving

# The engine's plans and operations, in the words of `Account.operations`.
_OPERATIONS: Final = {
    "create": "create",
    "create-replacement": "create",
    "delete": "delete",
    "delete-replaced": "delete",
    "update": "update",
}

Operations = dict[str, set[str]]


def main_program() -> None:
    """The program that `pulumi up` runs."""
    with conditions.refused():
        runpy.run_path(str(ROOT / "__main__.py"), run_name="__main__")


class _Workspace(automation.LocalWorkspace):
    """A workspace without the commands that no test needs. Every other command names its stack."""

    def select_stack(self, stack_name: str) -> None:
        pass

    def stack_outputs(self, stack_name: str) -> automation.OutputMap:
        return {}


class Stack:
    """A stack with its state and its account, in a folder of its own.

    Args:
        pulumi: The CLI.
        folder: With the project's file and the stack's file.
        name: The stack's name.
        account: The resources that exist.

    Attributes:
        program: The program that is deployed.
        aws: Creates the resources, as AwsProvider takes it.
    """

    def __init__(
        self, pulumi: automation.PulumiCommand, folder: Path, name: str, account: Account
    ) -> None:
        self._pulumi = pulumi
        self.folder = folder
        self.name = name
        self.account = account
        self.program: Callable[[], None] = main_program
        self.aws: Mocks | None = None

    @classmethod
    def new(
        cls,
        pulumi: automation.PulumiCommand,
        folder: Path,
        name: str,
        source: str = "",
        **config: str,
    ) -> "Stack":
        """A stack that was never deployed.

        Args:
            source: The stack whose file has the configuration; the default is the name.
            config: Keys of the project that differ from it.
        """
        folder.mkdir()
        (folder / "state").mkdir()
        shutil.copy(ROOT / PROJECT_FILE, folder)
        shutil.copy(ROOT / f"Pulumi.{source or name}.yaml", folder / f"Pulumi.{name}.yaml")
        stack = cls(pulumi, folder, name, Account(look=visitor.problems))
        stack.configure(**config)
        automation.Stack.create(name, stack._workspace())
        return stack

    def fork(self, folder: Path) -> "Stack":
        """A copy of the stack, whose changes do not affect this one."""
        shutil.copytree(self.folder, folder)
        account = dataclasses.replace(
            self.account,
            things=dict(self.account.things),
            operations=[],
            problems=[],
            refuses=set(),
        )
        return Stack(self._pulumi, folder, self.name, account)

    def configure(self, **config: str) -> None:
        """Set keys of the project, as text that YAML reads."""
        file = self.folder / f"Pulumi.{self.name}.yaml"
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        content["config"] |= {
            qualified(key): yaml.safe_load(value) for key, value in config.items()
        }
        file.write_text(yaml.safe_dump(content), encoding="utf-8")

    def preview(self) -> Operations:
        """Preview. Return what the engine would do."""
        with self._stack() as stack, _noted("resource_pre_event") as (planned, note):
            stack.preview(on_event=note)
        return planned

    def up(self, *, continue_on_error: bool = False) -> Operations:
        """Deploy. Return what the engine did to this account."""
        with self._stack() as stack:
            return self._done(
                lambda: stack.up(continue_on_error=continue_on_error, show_secrets=False)
            )

    def refresh(self) -> Operations:
        """Read the account. Return what the engine changed in its state."""
        with self._stack() as stack, _noted("res_outputs_event") as (changed, note):
            stack.refresh(on_event=note, show_secrets=False)
        return changed

    def destroy(self, *, exclude_protected: bool = False) -> Operations:
        with self._stack() as stack:
            return self._done(
                lambda: stack.destroy(exclude_protected=exclude_protected, show_secrets=False)
            )

    def command(self, *arguments: str) -> str:
        """Run a command of the CLI. Return its output."""
        words = [*arguments, "--stack", self.name]
        return self._pulumi.run(words, str(self.folder), engine_environ(self.folder)).stdout

    def _done(self, action: Callable[[], object]) -> Operations:
        before = len(self.account.operations)
        action()
        done: Operations = {}
        for operation, name in self.account.operations[before:]:
            done.setdefault(operation, set()).add(name)
        return done

    @contextmanager
    def _stack(self) -> Iterator[automation.Stack]:
        with serving(AwsProvider(self.account, self.aws)) as port:
            yield automation.Stack.select(self.name, self._workspace(port))

    def _workspace(self, port: int = 0) -> automation.LocalWorkspace:
        return _Workspace(
            work_dir=str(self.folder),
            program=self.program,
            pulumi_command=self._pulumi,
            env_vars=engine_environ(self.folder) | {"PULUMI_DEBUG_PROVIDERS": f"aws:{port}"},
        )


def engine_environ(folder: Path) -> dict[str, str]:
    """Environment of the CLI. The state is in the folder, and no setting is the machine's."""
    return {
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        # Write the state once at the end of each run, which halves its time. Only an engine that is
        # killed would lose it.
        "PULUMI_EXPERIMENTAL": "true",
        "PULUMI_SKIP_CHECKPOINTS": "true",
        "PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS": "true",
    }


@contextmanager
def _noted(kind: str) -> Iterator[tuple[Operations, Callable[[events.EngineEvent], None]]]:
    """The operations on AWS resources in events of one kind, and the function that takes events."""
    noted: Operations = {}

    def note(event: events.EngineEvent) -> None:
        if about := getattr(event, kind):
            operation = _OPERATIONS.get(about.metadata.op)
            if operation and about.metadata.type.startswith("aws:"):
                noted.setdefault(operation, set()).add(about.metadata.urn.rpartition("::")[2])

    yield noted, note
