import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.retries.standard import ExponentialBackoff
from botocore.stub import Stubber
from hypothesis import settings

from counter_service.runtime import logs
from tests.contracts.aws import isolate
from tests.unit.local_server import SILENCE, LocalServer, Respond
from tests.unit.stores import Stores

# The same examples in each run, so that a test fails because of a change and not by chance.
settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=100)
settings.load_profile("repeatable")


@pytest.fixture
def aws_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    isolate(monkeypatch)


@pytest.fixture
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry without pauses. The tests are about the number of attempts."""
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0.0)


@pytest.fixture
def package_logger() -> Iterator[logging.Logger]:
    """The logger that `logs.configure` sets up. It is restored after the test."""
    logger = logging.getLogger(logs.ROOT)
    before = list(logger.handlers), logger.level, logger.propagate
    yield logger
    logger.handlers, logger.level, logger.propagate = before


@pytest.fixture
def serve() -> Iterator[Callable[[Respond], LocalServer]]:
    """Starts HTTP servers, which are closed after the test."""
    servers: list[LocalServer] = []

    def start(respond: Respond) -> LocalServer:
        servers.append(LocalServer(respond))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="module")
def stubbed() -> Iterator[Stores]:
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch)
        yield Stores()


@pytest.fixture
def stub(stubbed: Stores) -> Iterator[Stubber]:
    with Stubber(stubbed.client) as stub:
        yield stub
    stub.assert_no_pending_responses()


@pytest.fixture
def no_retry_stub(stubbed: Stores) -> Iterator[Stubber]:
    with Stubber(stubbed.no_retry_client) as stub:
        yield stub
    stub.assert_no_pending_responses()


@pytest.fixture
def on_server(serve: Callable[[Respond], LocalServer]) -> Iterator[Callable[[int], Any]]:
    """Stores on an endpoint that gives every request the same response, and that endpoint."""
    opened: list[Stores] = []

    def start(response: int) -> tuple[Stores, LocalServer]:
        server = serve(lambda _: response)
        # The tests wait for the timeout only if the server is silent.
        opened.append(Stores(server.url, Config(read_timeout=0.2 if response == SILENCE else 10)))
        return opened[-1], server

    yield start
    for stores in opened:
        stores.close()
