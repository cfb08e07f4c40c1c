"""`python -m bench.click_probe clients...`: clicks on the embedded AWS, timed; samples as JSON.

Runs in the environment that has the emulator and websockets, as a child of bench/click.py.
"""

import asyncio
import http.client
import io
import json
import os
import sys
import tempfile
import time
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect

from counter_service.local.deployment import deploy
from counter_service.local.emulator import MiniStack, isolate
from counter_service.program import qualified, stack_config
from counter_service.runtime.contract import HANDLER

STACK: Final = "dev"
USUAL: Final = Path(__file__).parent / "usual" / "handler.py"
SECONDS: Final = 60.0  # then something is broken

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Stack:
    """A counter on an emulator of its own."""

    emulator: MiniStack
    outputs: dict[str, Any]

    @property
    def url(self) -> str:
        url: str = self.outputs["WebSocketApiEndpoint"]
        return url

    def client(self, service: str) -> Any:
        return self.emulator.session().client(service, endpoint_url=self.emulator.endpoint)

    def connections(self) -> list[str]:
        rows = self.client("dynamodb").scan(TableName=self.outputs["ConnectionsTableName"])
        return [row["connectionId"]["S"] for row in rows["Items"]]


@dataclass
class Audience:
    """Clients of one stack, and when each of them first had a value or a newer one."""

    clients: list[ClientConnection] = field(default_factory=list)
    newest: list[int] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self, number: int) -> None:
        async for text in self.clients[number]:
            value = json.loads(text)["value"]
            self.newest[number] = max(self.newest[number], value)
            self.changed.set()

    async def until(self, number: int | None, value: int) -> float:
        """The moment when that client has the value, or with None every client."""
        async with asyncio.timeout(SECONDS):
            while True:
                seen = min(self.newest) if number is None else self.newest[number]
                if seen >= value:
                    return time.perf_counter()
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def audience(stack: Stack, size: int) -> AsyncIterator[Audience]:
    everyone = Audience()
    async with AsyncExitStack() as sockets, asyncio.TaskGroup() as tasks:
        while len(everyone.clients) < size:
            client = await sockets.enter_async_context(connect(stack.url, proxy=None))
            everyone.clients.append(client)
            everyone.newest.append(-1)
        listening = [tasks.create_task(everyone.listen(number)) for number in range(size)]
        for client in everyone.clients:
            await client.send('{"action":"get-current"}')
        await everyone.until(None, 0)
        yield everyone
        for task in listening:
            task.cancel()


async def click(everyone: Audience) -> dict[str, float]:
    """Seconds from sending an increment to the sender's answer, and to the last client's."""
    value = max(everyone.newest) + 1
    started = time.perf_counter()
    await everyone.clients[0].send('{"action":"increment"}')
    answer, last = await asyncio.gather(everyone.until(0, value), everyone.until(None, value))
    return {"answer": answer - started, "everyone": last - started}


async def floor(stack: Stack, everyone: Audience, connections: list[str]) -> dict[str, float]:
    """The same message to everyone without any function: what the emulator takes for itself."""
    value = max(everyone.newest) + 1  # the next click's as well, which everyone then has
    message = json.dumps({"type": "counter-update", "value": value})
    address = stack.url.removeprefix("ws://")
    host, _, path = address.partition("/")

    def post() -> None:
        api = http.client.HTTPConnection(host)
        for connection in connections:
            api.request("POST", f"/{path}/@connections/{quote(connection, safe='')}", message)
            with api.getresponse() as answer:
                answer.read()
                if answer.status != 200:
                    raise RuntimeError(f"the emulator answered a post with {answer.status}")
        api.close()

    started = time.perf_counter()
    last, _ = await asyncio.gather(everyone.until(None, value), asyncio.to_thread(post))
    everyone.newest = [value - 1] * len(everyone.newest)  # nobody counted it
    return {"everyone": last - started}


async def measure(stacks: dict[str, Stack], size: int, rounds: int) -> dict[str, list[Any]]:
    samples: dict[str, list[Any]] = {name: [] for name in (*stacks, "floor")}
    async with AsyncExitStack() as exits:
        crowds = {
            name: await exits.enter_async_context(audience(stack, size))
            for name, stack in stacks.items()
        }
        first = next(iter(stacks))
        connections = stacks[first].connections()
        peers: dict[str, Callable[[], Awaitable[dict[str, float]]]] = {
            name: (lambda name=name: click(crowds[name]))  # type: ignore[misc]
            for name in stacks
        }
        peers["floor"] = lambda: floor(stacks[first], crowds[first], connections)
        for crowd in crowds.values():
            await click(crowd)  # opens the function's own connections
        for number in range(rounds):
            names = list(peers)
            for name in names if number % 2 == 0 else reversed(names):
                samples[name].append(await peers[name]())
    return samples


def replace_code(stack: Stack) -> None:
    """Put the usual handler into the place of ours."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        module = HANDLER.rpartition(".")[0]
        archive.write(USUAL, f"{module.replace('.', '/')}.py")
    stack.client("lambda").update_function_code(
        FunctionName=stack.outputs["FunctionName"], ZipFile=content.getvalue()
    )


def main(sizes: list[int], rounds: int) -> None:
    isolate(os.environ)
    config = stack_config(STACK) | {qualified("website"): "false"}
    with ExitStack() as exits:
        stacks = {}
        for name in ("ours", "usual"):
            folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="click-")))
            emulator = exits.enter_context(MiniStack(config["aws:region"], folder))
            stacks[name] = Stack(emulator, deploy(emulator, STACK, config).outputs)
        replace_code(stacks["usual"])
        found = {size: asyncio.run(measure(stacks, size, rounds)) for size in sizes}
    print(json.dumps(found))


if __name__ == "__main__":
    rounds_and_sizes = [int(each) for each in sys.argv[1:]]
    main(rounds_and_sizes[1:], rounds_and_sizes[0])
