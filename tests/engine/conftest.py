"""Stacks that were deployed once, of which each test has a copy."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pulumi.automation import PulumiCommand

from counter_service.paths import ROOT
from counter_service.toolchain import pulumi_cli
from tests.infra import page
from tests.infra.recorder import OPT_IN

from .stacks import Stack

# Every key that turns something on.
EVERYTHING = OPT_IN | {
    "accountLoggingRole": "true",
    "authIssuer": "https://login.example.com",
    "authAudience": "counter",
    "clicksPerSecond": "20",
    "counterShards": "4",
}


@pytest.fixture(scope="session", autouse=True)
def _without_builds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A small page, and no token library: other tests cover these two."""
    with page.installed(tmp_path_factory.mktemp("web")), pytest.MonkeyPatch.context() as patch:
        patch.setattr("counter_service.infra.auth_dependencies.files", lambda *_: {})
        yield


@pytest.fixture(scope="session")
def pulumi() -> PulumiCommand:
    return PulumiCommand(root=str(pulumi_cli.find(ROOT).parents[1]))


@pytest.fixture(scope="session")
def new_stack(
    pulumi: PulumiCommand, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Stack]:
    """Makes a stack: `new_stack("dev", memoryMb="1024")`."""

    def new_stack(name: str, source: str = "", **config: str) -> Stack:
        folder = tmp_path_factory.mktemp("stacks") / name
        return Stack.new(pulumi, folder, name, source, **config)

    return new_stack


@pytest.fixture(scope="session")
def deployed_dev(new_stack: Callable[..., Stack]) -> Stack:
    stack = new_stack("dev")
    stack.up()
    return stack


@pytest.fixture
def dev(deployed_dev: Stack, tmp_path: Path) -> Stack:
    """Stack dev, deployed."""
    return deployed_dev.fork(tmp_path / "dev")


@pytest.fixture(scope="session")
def deployed_everything(new_stack: Callable[..., Stack]) -> Stack:
    stack = new_stack("everything", "dev", **EVERYTHING)
    stack.up()
    return stack


@pytest.fixture
def everything(deployed_everything: Stack, tmp_path: Path) -> Stack:
    """A stack with everything turned on, deployed."""
    return deployed_everything.fork(tmp_path / "everything")


def pytest_configure(config: pytest.Config) -> None:
    # The Automation API abandons the program's event loop when the engine ends first, which is
    # reported whenever Python frees it.
    config.addinivalue_line("filterwarnings", "ignore::pytest.PytestUnraisableExceptionWarning")
