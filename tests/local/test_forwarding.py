"""The site's WebSocket in front of a server that behaves like the emulator."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request, Response
from websockets.typing import Origin, Subprotocol

from counter_service.local import forwarding
from counter_service.local.hosts import is_same_origin, of_this_machine
from counter_service.local.site import Site
from tests.infra import page

STAGE = "/_aws/execute-api/abc/dev"


P = ParamSpec("P")


def in_a_loop(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def main() -> None:
            await test(*args, **kwargs)

        asyncio.run(main())

    return run


class Emulator:
    """Echoes messages, and keeps the handshakes and the connections."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.connections: list[ServerConnection] = []
        self.offers: list[str] = []
        self.rejects: int | None = None

    async def check(self, connection: ServerConnection, request: Request) -> Response | None:
        self.requests.append(request)
        self.offers = request.headers.get_all("Sec-WebSocket-Protocol")
        # No response of MiniStack names a subprotocol.
        if self.offers:
            del request.headers["Sec-WebSocket-Protocol"]
        return connection.respond(self.rejects, "") if self.rejects else None

    async def echo(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        async for message in connection:
            await connection.send(message)


@contextmanager
def site_of(target: str, dist: Path) -> Iterator[tuple[Site, str]]:
    with closing(Site(dist, 0)) as site, site.serving(target, ["https://a.test"]) as url:
        yield site, url


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page.build(tmp_path_factory.mktemp("web")) / "dist"


@asynccontextmanager
async def running(dist: Path) -> AsyncIterator[tuple[Emulator, Site, str]]:
    emulator = Emulator()
    async with serve(emulator.echo, "127.0.0.1", 0, process_request=emulator.check) as server:
        port = server.sockets[0].getsockname()[1]
        with site_of(f"ws://127.0.0.1:{port}{STAGE}", dist) as (site, url):
            yield emulator, site, url


async def close_code(client: ClientConnection) -> int | None:
    await asyncio.wait_for(client.wait_closed(), 10)
    return client.close_code


@in_a_loop
async def test_forwarding_passes_messages_in_both_directions(dist: Path) -> None:
    async with running(dist) as (emulator, site, url):
        assert url == f"{site.url.replace('http', 'ws')}/dev"
        async with connect(f"{url}?token=x", proxy=None) as client:
            await client.send("é" * 1000)
            assert await client.recv() == "é" * 1000
    assert emulator.requests[0].path == f"{STAGE}?token=x"


@pytest.mark.parametrize(
    ("offers", "named"), [(["counter", "bearer.x"], "counter"), (["bearer.x"], None), ([], None)]
)
@in_a_loop
async def test_forwarding_names_the_subprotocol_that_the_function_names(
    dist: Path, offers: list[str], named: str | None
) -> None:
    async with running(dist) as (emulator, _, url):
        protocols = [Subprotocol(offer) for offer in offers] or None
        async with connect(url, subprotocols=protocols, proxy=None) as client:
            assert client.subprotocol == named
    assert emulator.offers == ([", ".join(offers)] if offers else [])


@in_a_loop
async def test_forwarding_closes_a_connection_that_sends_a_binary_frame_with_1003(
    dist: Path,
) -> None:
    async with running(dist) as (emulator, _, url), connect(url, proxy=None) as client:
        await client.send(b'{"action":"increment"}')
        assert await close_code(client) == 1003
        await asyncio.wait_for(emulator.connections[0].wait_closed(), 10)
        assert emulator.connections[0].close_code == 1003


@pytest.mark.parametrize("message", ["[" * 1001, '{"a":' * 1001, '["\\"",' + "[" * 1001])
@in_a_loop
async def test_forwarding_marks_a_deeply_nested_message_as_not_json(
    dist: Path, message: str
) -> None:
    async with running(dist) as (_, _, url), connect(url, proxy=None) as client:
        await client.send(message)
        assert await client.recv() == "\ufeff" + message


@pytest.mark.parametrize("message", ["[" * 500, "[]" * 1001, '"' + "[" * 1001 + '"'])
@in_a_loop
async def test_forwarding_leaves_a_message_that_is_not_nested_deeply(
    dist: Path, message: str
) -> None:
    async with running(dist) as (_, _, url), connect(url, proxy=None) as client:
        await client.send(message)
        assert await client.recv() == message


@pytest.mark.parametrize("frames", ["x" * 32_769, ["x" * 32_768] * 5])
@in_a_loop
async def test_forwarding_closes_a_connection_at_the_limits_of_api_gateway(
    dist: Path, frames: str | list[str]
) -> None:
    async with running(dist) as (_, _, url), connect(url, proxy=None) as client:
        with suppress(ConnectionClosed):  # it may be closed before all is sent
            await client.send(frames)
        assert await close_code(client) == 1009


@pytest.mark.parametrize("limit", ["IDLE_SECONDS", "LIFETIME_SECONDS"])
@in_a_loop
async def test_forwarding_closes_a_connection_that_is_idle_or_old(
    dist: Path, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, limit, 0.2)
    async with running(dist) as (emulator, _, url), connect(url, proxy=None) as client:
        await client.send("x")
        assert await close_code(client) == 1001
        await asyncio.wait_for(emulator.connections[0].wait_closed(), 10)


@in_a_loop
async def test_forwarding_closes_the_client_with_the_code_of_the_server(dist: Path) -> None:
    async with running(dist) as (emulator, _, url), connect(url, proxy=None) as client:
        await client.send("x")
        await client.recv()
        await emulator.connections[0].close(1008)
        assert await close_code(client) == 1008


@in_a_loop
async def test_forwarding_closes_the_server_with_the_code_of_the_client(dist: Path) -> None:
    async with running(dist) as (emulator, _, url), connect(url, proxy=None) as client:
        await client.send("x")
        await client.recv()
        await client.close(4000)
        await asyncio.wait_for(emulator.connections[0].wait_closed(), 10)
        assert emulator.connections[0].close_code == 4000


@in_a_loop
async def test_forwarding_cuts_one_side_when_the_other_is_cut(dist: Path) -> None:
    async with running(dist) as (emulator, _, url):
        for end in ("server", "client"):
            async with connect(url, proxy=None) as client:
                await client.send("x")
                await client.recv()
                server = emulator.connections[-1]
                (server if end == "server" else client).transport.abort()
                assert await close_code(client) == 1006
                await asyncio.wait_for(server.wait_closed(), 10)
                assert server.close_code == 1006


@in_a_loop
async def test_forwarding_passes_on_the_rejection_of_a_handshake(dist: Path) -> None:
    async with running(dist) as (emulator, _, url):
        emulator.rejects = 403
        with pytest.raises(InvalidStatus) as rejected:
            await connect(url, proxy=None)
    assert rejected.value.response.status_code == 403


@pytest.mark.parametrize(("suffix", "status"), [("x", 403), ("?" + "x" * 4096, 414), ("", 502)])
def test_forwarding_rejects_a_handshake_that_it_cannot_forward(
    dist: Path, suffix: str, status: int
) -> None:
    with site_of(f"ws://127.0.0.1:1{STAGE}", dist) as (_, url):
        with pytest.raises(InvalidStatus) as rejected:
            asyncio.run(_connect(url + suffix))
        assert rejected.value.response.status_code == status


async def _connect(url: str) -> None:
    await connect(url, proxy=None)


@pytest.mark.parametrize(
    ("host", "origin", "seen"),
    [
        ("10.0.0.5:9000", "http://10.0.0.5:9000", "the site's"),
        ("localhost:9000", "https://localhost:9000", "the site's"),
        ("10.0.0.5:9000", "http://evil.test", "http://evil.test"),
        ("10.0.0.5:9000", "http://10.0.0.5:9001", "http://10.0.0.5:9001"),
        ("a.test", "https://a.test", "the site's"),
        ("10.0.0.5:9000", None, None),
        ("evil.test:9000", "http://evil.test:9000", "403"),
        ("evil.test:9000", None, "403"),
    ],
)
@in_a_loop
async def test_forwarding_replaces_the_origin_only_of_its_own_page(
    dist: Path, host: str, origin: str | None, seen: str | None
) -> None:
    async with running(dist) as (emulator, site, url):
        port = int(site.address.rpartition(":")[2])
        ours = url.replace(site.address, host)
        wanted = Origin(origin) if origin else None
        if seen == "403":
            with pytest.raises(InvalidStatus, match="403"):
                await connect(ours, origin=wanted, host="127.0.0.1", port=port, proxy=None)
            assert emulator.requests == []
            return
        async with connect(ours, origin=wanted, host="127.0.0.1", port=port, proxy=None):
            pass
        expected = site.url if seen == "the site's" else seen
        assert emulator.requests[0].headers.get("Origin") == expected


@in_a_loop
async def test_site_ends_at_once_with_open_and_unused_connections(dist: Path) -> None:
    async with running(dist) as (_, site, url):
        host, _, port = site.address.partition(":")
        unused = socket.create_connection((host, int(port)))
        client = await connect(url, proxy=None)
    # The block has ended, which a connection without a request would delay by 30 s.
    assert await close_code(client) == 1001
    unused.close()


@pytest.mark.parametrize(
    ("host", "trusted"),
    [
        ("127.0.0.2:80", True),
        ("[::1]:80", True),
        ("LOCALHOST", True),
        ("a.localhost:1", True),
        ("devbox:1", True),
        (socket.gethostname(), True),
        ("a.test", True),
        ("evil.test", False),
        ("localhost.evil.test", False),
        ("127.0.0.1.evil.test", False),
        ("", False),
        ("[::1", False),
        ("127.0.0.1, evil.test", False),
    ],
)
def test_hosts_trust_addresses_and_the_names_of_this_machine(host: str, trusted: bool) -> None:
    assert of_this_machine("Devbox", ["https://a.test:8443"]).trusts(host) is trusted


def test_an_empty_origin_is_not_the_same_as_an_empty_host() -> None:
    assert not is_same_origin("null", "")
