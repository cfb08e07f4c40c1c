"""The client against the real service behind a gateway on loopback."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import InvalidURI

from counter_service.client import CounterClient, Failure, State, Times, Update
from counter_service.runtime.core.access import Access
from counter_service.runtime.core.errors import StoreUnavailable
from counter_service.runtime.core.origins import OriginPolicy
from simulation.fakes import FakeTokens
from tests.e2e.fault_proxy import Fault, FaultProxy
from tests.gateway import Gateway

SITE = "https://counter.example.com"
FAST = Times(reconnect=0.01, response=0.5, retry=0.01)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway() as gateway:
        yield gateway


@asynccontextmanager
async def serving(
    respond: Callable[[ServerConnection], Awaitable[None]], **options: Any
) -> AsyncIterator[str]:
    """The URL of a server that gives each connection to `respond`."""
    async with serve(respond, "127.0.0.1", 0, **options) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/"


@asynccontextmanager
async def scripted(*replies: str) -> AsyncIterator[str]:
    """The URL of a server that sends the replies at once, on each connection."""

    async def reply(connection: ServerConnection) -> None:
        for each in replies:
            await connection.send(each)
        await connection.wait_closed()

    async with serving(reply) as url:
        yield url


def update(value: Any) -> str:
    return json.dumps({"type": "counter-update", "value": value})


def op_ids(gateway: Gateway) -> list[str]:
    """The op ids of the frames so far."""
    requests = [json.loads(frame) for frame in gateway.frames if frame]
    return [request["id"] for request in requests if "id" in request]


def test_increment_counts_and_every_client_sees_it(gateway: Gateway) -> None:
    async def run() -> None:
        async with CounterClient(gateway.url) as one, CounterClient(gateway.url) as other:
            updates = other.updates()
            assert await anext(updates) == 0
            await one.increment()
            assert one.value == 1
            assert await anext(updates) == 1
            assert other.round_trip is not None

    asyncio.run(run())
    assert gateway.counter.count == 1


def test_thousand_clicks_count_exactly_once_over_a_hundred_cuts(gateway: Gateway) -> None:
    faults = itertools.cycle(
        [Fault.RESET_AT_REQUEST, Fault.RESET_AT_RESPONSE, Fault.DROP_RESPONSE, Fault.BLACKHOLE]
    )

    async def run() -> None:
        values: list[int] = []
        times = Times(reconnect=0.001, response=0.1, retry=0.01)
        url = proxy.through(gateway.url)
        async with CounterClient(
            url, times=times, on_update=lambda each: values.append(each.value or 0)
        ) as client:

            async def click(number: int) -> None:
                await client.increment()
                if number % 9 == 0:
                    proxy.inject(next(faults))

            async with asyncio.TaskGroup() as group:
                for number in range(1000):
                    group.create_task(click(number))
            assert client.value == gateway.counter.count
            assert client.connections > 50
            assert client.value == max(values)

    with FaultProxy.to(gateway.url) as proxy:
        asyncio.run(run())
    assert len(proxy.injected) >= 100
    assert set(proxy.injected) == set(Fault)
    assert gateway.counter.count == 1000
    assert len(op_ids(gateway)) > 1000, "No click was sent again, so no fault met a click."


def test_value_never_decreases() -> None:
    received: list[Update] = []
    shown: list[int] = []

    async def run() -> None:
        async with (
            scripted(update(7), update(3), update(None), update(9)) as url,
            CounterClient(url, on_update=received.append) as client,
            asyncio.timeout(5),
        ):
            async for value in client.updates():
                shown.append(value)
                if value == 9:
                    break
            assert client.value == 9

    asyncio.run(run())
    assert received == [Update(7), Update(3), Update(None), Update(9)]
    assert shown == sorted(shown)


def test_client_reconnects_after_a_silence(gateway: Gateway) -> None:
    async def run() -> None:
        states: list[State] = []
        async with CounterClient(
            proxy.through(gateway.url), times=FAST, on_state=states.append
        ) as client:
            await anext(client.updates())
            proxy.inject(Fault.BLACKHOLE)
            await client.increment()
            assert client.problem is None
        assert states == ["connecting", "open", "waiting", "connecting", "open", "closed"]
        assert client.connections == 2

    with FaultProxy.to(gateway.url) as proxy:
        asyncio.run(run())
    assert gateway.counter.count == 1


def test_client_connects_over_a_link_that_is_slower_than_its_patience() -> None:
    async def wait(*_: object) -> None:
        await asyncio.sleep(0.5)

    async def respond(connection: ServerConnection) -> None:
        async for _ in connection:
            await connection.send(update(7))

    async def run() -> None:
        async with serving(respond, process_request=wait) as url:
            times = Times(reconnect=0.01, response=0.05)
            async with CounterClient(url, times=times) as client, asyncio.timeout(10):
                assert await anext(client.updates()) == 7

    asyncio.run(run())


def test_old_connection_is_replaced_without_losing_a_click(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("counter_service.client.sender.ROTATE_SECONDS", (0.1, 0.2))

    async def run(gateway: Gateway) -> None:
        async with CounterClient(gateway.url, times=FAST) as client, asyncio.timeout(10):
            while client.connections < 3:
                await client.increment()
                clicks.append(client.value)

    clicks: list[int | None] = []
    with Gateway() as gateway:
        asyncio.run(run(gateway))
    assert gateway.counter.count == len(clicks)
    assert set(gateway.close_codes) == {1000}


def test_heartbeat_finds_a_value_that_was_not_broadcast(gateway: Gateway) -> None:
    async def run() -> None:
        async with (
            CounterClient(gateway.url, times=Times(heartbeat=0.05)) as client,
            asyncio.timeout(5),
        ):
            updates = client.updates()
            assert await anext(updates) == 0
            gateway.counter.count = 5
            assert await anext(updates) == 5

    asyncio.run(run())


def test_click_that_the_server_could_not_count_is_retried_under_its_op_id(gateway: Gateway) -> None:
    gateway.counter.fail_next("increment_once", StoreUnavailable("increment", "test"), times=3)

    async def run() -> None:
        async with CounterClient(gateway.url, times=FAST) as client:
            await client.increment()

    asyncio.run(run())
    assert gateway.counter.count == 1
    assert len(op_ids(gateway)) == 4
    assert len(set(op_ids(gateway))) == 1


def test_click_whose_function_failed_is_retried(gateway: Gateway) -> None:
    async def run() -> None:
        async with CounterClient(gateway.url, times=FAST) as client:
            await anext(client.updates())
            gateway.may_invoke = False
            click = asyncio.create_task(client.increment())
            while client.problem is None:
                await asyncio.sleep(0.01)
            assert "Internal server error" in str(client.problem)
            gateway.may_invoke = True
            await click
            assert client.connections == 1

    asyncio.run(run())
    assert gateway.counter.count == 1


def test_click_that_will_never_count_raises_the_failure() -> None:
    async def run() -> None:
        async def refuse(connection: ServerConnection) -> None:
            async for frame in connection:
                if op_id := json.loads(frame).get("id"):
                    error = {"type": "error", "code": "closed-for-today", "message": "Come later."}
                    await connection.send(json.dumps(error | {"id": op_id}))

        async with serving(refuse) as url, CounterClient(url) as client:
            with pytest.raises(Failure, match="Come later") as failure:
                await client.increment()
        assert failure.value.code == "closed-for-today"

    asyncio.run(run())


def test_client_reports_each_error_of_the_server(gateway: Gateway) -> None:
    gateway.counter.fail_next("increment_once", StoreUnavailable("increment", "test"), times=2)
    failures: list[Failure] = []

    async def run() -> None:
        async with CounterClient(gateway.url, times=FAST, on_failure=failures.append) as client:
            await client.increment()
            assert client.sent == len(gateway.frames) == 4  # get-current, and the click three times

    asyncio.run(run())
    assert [failure.code for failure in failures] == ["unavailable", "unavailable"]


def test_click_of_an_earlier_process_counts_once(gateway: Gateway) -> None:
    op_id = "q7Rk_3sYd-2oFiAC:1"

    async def run() -> None:
        for _ in range(2):
            async with CounterClient(gateway.url) as client:
                await client.increment(op_id)

    asyncio.run(run())
    assert gateway.counter.count == 1


@pytest.mark.parametrize("op_id", ["short:1", "q7Rk_3sYd-2oFiAC"])
def test_malformed_op_id_is_refused(gateway: Gateway, op_id: str) -> None:
    async def run() -> None:
        async with CounterClient(gateway.url) as client:
            with pytest.raises(ValueError, match="16 to 64"):
                await client.increment(op_id)

    asyncio.run(run())


def test_at_most_four_clicks_are_in_flight(gateway: Gateway) -> None:
    async def run() -> None:
        async with CounterClient(gateway.url, times=Times(response=60)) as client:
            await anext(client.updates())
            gateway.sockets.is_forbidden = True  # no response arrives
            clicks = [asyncio.create_task(client.increment()) for _ in range(10)]
            await asyncio.sleep(0.3)
            assert len(op_ids(gateway)) == 4
            for click in clicks:
                click.cancel()

    asyncio.run(run())


def test_foreign_origin_ends_the_client() -> None:
    async def run(url: str) -> None:
        async with CounterClient(url, origin="https://other.example.com") as client:
            with pytest.raises(Failure, match="origin"):
                await client.increment()
            with pytest.raises(Failure, match="origin"):
                await anext(client.updates())
            assert client.state == "closed"

    with Gateway(Access(OriginPolicy(allowed=frozenset({SITE})))) as gateway:
        # Leaving the context also raises the failure, because a program may only listen.
        with pytest.raises(Failure, match="origin") as failure:
            asyncio.run(run(gateway.url))
        assert failure.value.code == "rejected"


def test_origin_and_token_are_sent() -> None:
    access = Access(OriginPolicy(allowed=frozenset({SITE})), FakeTokens("good"))

    async def run(url: str) -> None:
        async with CounterClient(url, origin=SITE, token="good") as client:
            await client.increment()
        with pytest.raises(Failure, match="token"):
            async with CounterClient(url, origin=SITE, token="bad") as client:
                await client.increment()

    with Gateway(access) as gateway:
        asyncio.run(run(gateway.url))
        assert gateway.handshakes[0]["sec-websocket-protocol"] == "counter, bearer.good"


def test_rejection_after_a_connection_that_worked_is_retried(gateway: Gateway) -> None:
    """A deployment in progress may reject handshakes for a moment."""

    async def run() -> None:
        async with CounterClient(proxy.through(gateway.url), times=FAST) as client:
            await client.increment()
            gateway.may_invoke = False
            proxy.reset()
            click = asyncio.create_task(client.increment())
            while "500" not in str(client.problem):
                await asyncio.sleep(0.01)
            gateway.may_invoke = True
            await click

    with FaultProxy.to(gateway.url) as proxy:
        asyncio.run(run())
    assert gateway.counter.count == 2


def test_delay_before_a_reconnect_grows_up_to_tenfold(monkeypatch: pytest.MonkeyPatch) -> None:
    ranges: list[float] = []

    async def sleep(seconds: float) -> None:
        ranges.append(seconds)
        if len(ranges) == 8:
            raise asyncio.CancelledError

    monkeypatch.setattr("counter_service.client.client.asyncio.sleep", sleep)
    monkeypatch.setattr("counter_service.client.client.random.uniform", lambda *_: 1.0)

    async def run() -> None:
        async with CounterClient("ws://127.0.0.1:9/", times=Times(reconnect=3)) as client:
            await asyncio.wait([client._task], timeout=10)
            assert isinstance(client.problem, OSError)

    asyncio.run(run())
    assert ranges == [3, 6, 12, 24, 30, 30, 30, 30]


def test_close_ends_the_connection_normally_and_fails_pending_clicks() -> None:
    async def run(gateway: Gateway) -> None:
        async with CounterClient(gateway.url) as client:
            updates = client.updates()
            await anext(updates)
            gateway.sockets.is_forbidden = True
            click = asyncio.create_task(client.increment())
            await asyncio.sleep(0.1)
        with pytest.raises(Failure, match="closed"):
            await click
        with pytest.raises(Failure, match="closed"):
            await anext(updates)
        assert client.state == "closed"

    with Gateway() as gateway:
        asyncio.run(run(gateway))
    assert gateway.close_codes == [1000]


def test_error_of_a_callback_ends_the_client(gateway: Gateway) -> None:
    def fail(_: Update) -> None:
        raise ZeroDivisionError

    async def run() -> None:
        async with CounterClient(gateway.url, on_update=fail) as client:
            await client.increment()

    with pytest.raises(ZeroDivisionError):
        asyncio.run(run())


def test_url_that_is_no_web_socket_is_refused() -> None:
    with pytest.raises(InvalidURI):
        CounterClient("https://counter.example.com/prod")
