"""The product as a user starts it: the command as a child process, reached over sockets."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from websockets.sync.client import ClientConnection, connect

from counter_service.local.environment import isolate
from counter_service.local.parent import PARENT
from counter_service.paths import ROOT

from .browser import launched
from .fault_proxy import FaultProxy
from .pages import QUICK, SECONDS, configure, expect_pending, expect_value

START_SECONDS = 60


@dataclass(frozen=True)
class Product:
    """A running local stack. `folder` has its outputs and its logs."""

    process: subprocess.Popen[str]
    outputs: dict[str, str]
    folder: Path

    @property
    def url(self) -> str:
        return self.outputs["WebSocketApiEndpoint"]

    @property
    def page(self) -> str:
        return self.outputs["WebsiteUrl"]

    def connect(self) -> ClientConnection:
        return connect(self.url, proxy=None)

    @cached_property
    def endpoint(self) -> str:
        """URL of the emulator's AWS API."""
        emulator = next(
            each.environ()
            for each in psutil.Process(self.process.pid).children(recursive=True)
            if "GATEWAY_PORT" in each.environ()
        )
        return f"http://127.0.0.1:{emulator['GATEWAY_PORT']}"

    @property
    def emulated_url(self) -> str:
        """URL of the WebSocket API in the emulator, without the local site in between."""
        [api] = self.aws("apigatewayv2").get_apis()["Items"]
        stage = self.url.rpartition("/")[2]
        return f"ws{self.endpoint.removeprefix('http')}/_aws/execute-api/{api['ApiId']}/{stage}"

    def aws(self, service: str) -> Any:
        return _client(service, self.endpoint)

    def connection_ids(self) -> set[str]:
        table = self.outputs["ConnectionsTableName"]
        rows = self.aws("dynamodb").scan(TableName=table, ConsistentRead=True)["Items"]
        return {row["connectionId"]["S"] for row in rows}

    def put_connection(self, connection_id: str, *, age: int, expires_in: int = 3600) -> None:
        """Put the row of a connection that does not exist. Both times are in seconds."""
        now = int(time.time())
        self.aws("dynamodb").put_item(
            TableName=self.outputs["ConnectionsTableName"],
            Item={
                "connectionId": {"S": connection_id},
                "connectedAt": {"N": str(now - age)},
                "expiresAt": {"N": str(now + expires_in)},
            },
        )

    def delete_connections(self, connection_ids: set[str]) -> None:
        for connection_id in connection_ids:
            self.aws("dynamodb").delete_item(
                TableName=self.outputs["ConnectionsTableName"],
                Key={"connectionId": {"S": connection_id}},
            )

    def stored_value(self) -> int:
        """The sum of all shards."""
        pages = (
            self.aws("dynamodb")
            .get_paginator("scan")
            .paginate(
                TableName=self.outputs["CounterTableName"],
                ConsistentRead=True,
                FilterExpression="begins_with(id, :counter)",
                ExpressionAttributeValues={":counter": {"S": "global"}},
            )
        )
        rows = [row for page in pages for row in page["Items"]]
        return sum(int(row.get("value", {}).get("N", "0")) for row in rows)

    def expect_counted(self, value: int, *pages: Page, seconds: int = 15) -> None:
        """Wait until every page shows the value with no click pending, and the table has it too."""
        for page in pages:
            expect_value(page, value, seconds)
            expect_pending(page, 0, seconds)
        assert self.stored_value() == value


@cache
def _client(service: str, endpoint: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name="eu-central-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def command(folder: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "counter_service.local", "--folder", str(folder), *arguments]


@contextmanager
def running(
    folder: Path, *arguments: str, environ: Mapping[str, str] | None = None
) -> Iterator[Product]:
    """Start the product and wait for its outputs; stop it as Ctrl-C would.

    It also ends if this process is killed.
    """
    outputs = folder / "outputs.json"
    with (folder / "terminal.txt").open("w", encoding="utf-8") as terminal:
        process = subprocess.Popen(
            command(folder, *arguments),
            cwd=ROOT,
            env={**(os.environ if environ is None else environ), PARENT: str(os.getpid())},
            stdout=terminal,
            stderr=terminal,
            encoding="utf-8",
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not outputs.exists():
            assert process.poll() is None, (folder / "terminal.txt").read_text(encoding="utf-8")
            assert time.monotonic() < deadline, (
                f"the product did not start within {START_SECONDS} s"
            )
            time.sleep(0.05)
        yield Product(process, json.loads(outputs.read_text(encoding="utf-8")), folder)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
        process.wait(20)


@pytest.fixture(scope="session", autouse=True)
def _isolated() -> None:
    isolate(os.environ)


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running(tmp_path_factory.mktemp("product")) as product:
        yield product


@pytest.fixture
def client(product: Product) -> Iterator[ClientConnection]:
    with product.connect() as connection:
        yield connection


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(reduced_motion="reduce")  # animations keep a processor busy
    context.set_default_timeout(15 * SECONDS)
    problems: list[str] = []
    context.on("weberror", lambda event: problems.append(str(event.error)))
    yield context
    context.close()
    assert problems == [], "the page threw an error"


@pytest.fixture
def open_tab(context: BrowserContext, product: Product) -> Callable[..., Page]:
    def open_tab(url: str = product.page) -> Page:
        page = context.new_page()
        page.goto(url)
        return page

    return open_tab


@pytest.fixture
def open_counter(open_tab: Callable[[], Page], product: Product) -> Callable[[], tuple[Page, int]]:
    """Opens a page, waits until it shows the stored value, and returns both."""

    def open_counter() -> tuple[Page, int]:
        page, value = open_tab(), product.stored_value()
        expect_value(page, value)
        return page, value

    return open_counter


@pytest.fixture
def proxy(context: BrowserContext, product: Product) -> Iterator[FaultProxy]:
    """A proxy through which the context's pages reach the API, with a real deployment's times."""
    with FaultProxy.to(product.url) as proxy:
        configure(context, proxy.through(product.url))
        yield proxy


@pytest.fixture
def quick_proxy(proxy: FaultProxy, context: BrowserContext, product: Product) -> FaultProxy:
    """A proxy through which the context's pages reach the API, with short times."""
    configure(context, proxy.through(product.url), **QUICK)
    return proxy


def request(client: ClientConnection, message: str | bytes, timeout: float = 10) -> dict[str, Any]:
    """Send a message and return the next one that arrives."""
    client.send(message)
    return receive(client, timeout)


def receive(client: ClientConnection, timeout: float = 10) -> dict[str, Any]:
    message: dict[str, Any] = json.loads(client.recv(timeout=timeout))
    return message


def receive_value(client: ClientConnection, value: int, timeout: float = 10) -> None:
    """Read messages until the value arrives."""
    deadline = time.monotonic() + timeout
    while receive(client, max(0.01, deadline - time.monotonic())).get("value") != value:
        pass


def eventually(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true in time"
        time.sleep(0.05)
