"""One connection without retries, against the real service behind a gateway on loopback."""

import asyncio
import socket
from collections.abc import Iterator

import pytest
from websockets.exceptions import InvalidURI

from counter_service.client import Failure, Update
from counter_service.client.connection import Rejected, opened
from counter_service.client.messages import GET_CURRENT, increment
from counter_service.runtime.core.access import Access
from counter_service.runtime.core.origins import OriginPolicy
from tests.gateway import Gateway

OP_ID = "q7Rk_3sYd-2oFiAC:1"


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as gateway:
        yield gateway


def test_connection_passes_on_every_message(gateway: Gateway) -> None:
    async def run() -> None:
        async with opened(gateway.url) as connection:
            for request in (GET_CURRENT, increment(OP_ID), increment(OP_ID), "not JSON"):
                await connection.send(request)
            received = [await connection.receive() for _ in range(4)]
        assert received[:3] == [Update(0), Update(1, OP_ID), Update(1, OP_ID)]
        assert isinstance(received[3], Failure)
        assert received[3].code == "not-json"

    asyncio.run(run())


def test_rejected_handshake_raises_its_status() -> None:
    async def run(url: str) -> None:
        async with opened(url, origin="https://other.example.com"):
            pass

    with Gateway(Access(OriginPolicy())) as gateway:
        with pytest.raises(Rejected, match="403") as rejected:
            asyncio.run(run(gateway.url))
        assert rejected.value.status == 403


def test_closed_connection_raises_a_failure_for_both_directions(gateway: Gateway) -> None:
    async def run() -> None:
        async with opened(gateway.url) as connection:
            await connection.send(GET_CURRENT)
            await connection.receive()
            [server] = gateway.sockets.by_id.values()
            gateway._loop.call_soon_threadsafe(server.transport.abort)
            with pytest.raises(Failure, match=r"closed the connection \(1006\)"):
                await connection.receive()
            with pytest.raises(Failure, match="closed") as failure:
                await connection.send(GET_CURRENT)
            assert failure.value.code == "closed"

    asyncio.run(run())


def test_server_that_hangs_up_raises_an_error_of_the_network() -> None:
    async def run(listener: socket.socket) -> None:
        async def hang_up() -> None:
            client, _ = await asyncio.get_running_loop().sock_accept(listener)
            client.close()

        accepting = asyncio.create_task(hang_up())
        async with opened(f"ws://127.0.0.1:{listener.getsockname()[1]}/"):
            pass
        await accepting

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        with pytest.raises(OSError):  # noqa: PT011  # its text is the operating system's
            asyncio.run(run(listener))


def test_url_that_is_no_web_socket_is_refused() -> None:
    async def run() -> None:
        async with opened("https://counter.example.com/prod"):
            pass

    with pytest.raises(InvalidURI):
        asyncio.run(run())
