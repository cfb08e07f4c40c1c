"""The product as a user starts it: the command as a child process, spoken to over sockets."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from websockets.sync.client import ClientConnection, connect

from counter_service.local.emulator import isolate
from counter_service.paths import ROOT

from .browser import launched
from .cable import Cable
from .pages import SECONDS, connect_through

START_SECONDS = 60
# Not shorter: an answer takes a busy machine half a second now and then.
QUICK = {"reconnectMs": 100, "acknowledgeMs": 800, "heartbeatMs": 3000}


@dataclass(frozen=True)
class Product:
    """A running local stack."""

    process: subprocess.Popen[str]
    outputs: dict[str, str]
    folder: Path  # where its outputs and log are

    @property
    def url(self) -> str:
        return self.outputs["WebSocketApiEndpoint"]

    @property
    def page(self) -> str:
        return self.outputs["WebsiteUrl"]

    def connect(self) -> ClientConnection:
        return connect(self.url, proxy=None)

    def dynamodb(self) -> Any:
        return self.aws("dynamodb")

    def aws(self, service: str) -> Any:
        endpoint = "http://" + self.url.split("/")[2]
        return boto3.client(
            service,
            endpoint_url=endpoint,
            region_name="eu-central-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def connection_ids(self) -> set[str]:
        rows = self.dynamodb().scan(
            TableName=self.outputs["ConnectionsTableName"], ConsistentRead=True
        )
        return {row["connectionId"]["S"] for row in rows["Items"]}

    def put_connection(self, connection_id: str, *, age: int, expires_in: int = 3600) -> None:
        """A row that no socket belongs to."""
        now = int(time.time())
        self.dynamodb().put_item(
            TableName=self.outputs["ConnectionsTableName"],
            Item={
                "connectionId": {"S": connection_id},
                "connectedAt": {"N": str(now - age)},
                "expiresAt": {"N": str(now + expires_in)},
            },
        )

    def stored_value(self) -> int:
        """Over all shards."""
        pages = (
            self.dynamodb()
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


def command(folder: Path, *arguments: str) -> list[str]:
    outputs = str(folder / "outputs.json")
    return [sys.executable, "-m", "counter_service.local", "--outputs", outputs, *arguments]


@contextmanager
def running(folder: Path, *arguments: str) -> Iterator[Product]:
    """Start the product and wait for its outputs; stop it as Ctrl-C would."""
    outputs = folder / "outputs.json"
    with (folder / "terminal.txt").open("w") as terminal:
        process = subprocess.Popen(
            command(folder, *arguments), cwd=ROOT, stdout=terminal, stderr=terminal, text=True
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not outputs.exists():
            assert process.poll() is None, (folder / "terminal.txt").read_text()
            assert time.monotonic() < deadline, "the product did not start"
            time.sleep(0.05)
        yield Product(process, json.loads(outputs.read_text()), folder)
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
    context = browser.new_context()
    context.set_default_timeout(15 * SECONDS)
    problems: list[str] = []
    context.on("weberror", lambda event: problems.append(str(event.error)))
    yield context
    context.close()
    assert problems == [], "the page threw"


@pytest.fixture
def open_tab(context: BrowserContext, product: Product) -> Callable[..., Page]:
    def open_tab(url: str = product.page) -> Page:
        page = context.new_page()
        page.goto(url)
        return page

    return open_tab


@pytest.fixture
def cable(context: BrowserContext, product: Product) -> Iterator[Cable]:
    """Pages of the context reach the API through this, with the times of a real deployment."""
    with Cable.to(product.url) as cable:
        connect_through(context, cable, product.url)
        yield cable


@pytest.fixture
def quick_cable(context: BrowserContext, product: Product) -> Iterator[Cable]:
    """The same with the times that /config.json can set much shorter."""
    with Cable.to(product.url) as cable:
        connect_through(context, cable, product.url, **QUICK)
        yield cable


def ask(client: ClientConnection, message: str | bytes, timeout: float = 10) -> dict[str, Any]:
    """Send one message and return the next one that arrives."""
    client.send(message)
    return receive(client, timeout)


def receive(client: ClientConnection, timeout: float = 10) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(client.recv(timeout=timeout))
    return answer


def receive_value(client: ClientConnection, value: int, timeout: float = 10) -> None:
    """Read until the value arrives; older ones may come first."""
    deadline = time.monotonic() + timeout
    while receive(client, max(0.01, deadline - time.monotonic())).get("value") != value:
        pass


def eventually(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)
