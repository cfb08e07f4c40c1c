import logging
from collections.abc import Callable, Iterator

import pytest
from botocore.retries.standard import ExponentialBackoff
from hypothesis import settings

from counter_service.runtime import logs
from tests.contracts.aws import isolate
from tests.unit.local_server import Answer, LocalServer

# The same examples in every run: a red test is about the change, not about the day.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=100)
settings.load_profile("repeatable")


@pytest.fixture
def aws_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(monkeypatch)


@pytest.fixture
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries at once: how often is the question here, not how late."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.0)


@pytest.fixture
def package_logger() -> Iterator[logging.Logger]:
    """The logger that `logs.configure` sets up, afterwards as it was before."""
    logger = logging.getLogger(logs.ROOT)
    before = list(logger.handlers), logger.level, logger.propagate
    yield logger
    logger.handlers, logger.level, logger.propagate = before


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], LocalServer]]:
    """Start HTTP servers that live as long as the test."""
    servers: list[LocalServer] = []

    def start(answer: Answer) -> LocalServer:
        servers.append(LocalServer(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
