"""`python -m bench.click_probe rounds clients...`: times clicks on the embedded AWS, prints JSON.

A child process of bench/click.py, in the environment that has the emulator and websockets.
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
from typing import Any, Final
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect

from counter_service.local.deployment import deploy
from counter_service.local.emulator import MiniStack
from counter_service.local.environment import isolate
from counter_service.program import qualified, stack_config
from counter_service.runtime.contract import HANDLER

from .click import BASELINE, COUNTER_SERVICE, FLOOR
from .rounds import orders

STACK: Final = "dev"
BASELINE_HANDLER: Final = Path(__file__).with_name("baseline.py")
TIMEOUT_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Stack:
    """A counter on its own emulator."""

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
    """Clients of one stack, and the newest value that each of them has received."""

    clients: list[ClientConnection] = field(default_factory=list)
    newest: list[int] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self, number: int) -> None:
        async for text in self.clients[number]:
            value = json.loads(text)["value"]
            self.newest[number] = max(self.newest[number], value)
            self.changed.set()

    async def until(self, number: int | None, value: int) -> float:
        """Wait until that client, or with None every client, has the value. Returns the time."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
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
    """Seconds until the sender has the response to an increment, and until every client has it."""
    value = max(everyone.newest) + 1
    started = time.perf_counter()
    await everyone.clients[0].send('{"action":"increment"}')
    sender, last = await asyncio.gather(everyone.until(0, value), everyone.until(None, value))
    return {"sender": sender - started, "everyone": last - started}


async def floor(stack: Stack, everyone: Audience, connections: list[str]) -> dict[str, float]:
    """Seconds until every client has the same message, posted without a function."""
    value = max(everyone.newest) + 1
    message = json.dumps({"type": "counter-update", "value": value})
    address = stack.url.removeprefix("ws://")
    host, _, path = address.partition("/")

    def post() -> None:
        api = http.client.HTTPConnection(host)
        for connection in connections:
            api.request("POST", f"/{path}/@connections/{quote(connection, safe='')}", message)
            with api.getresponse() as response:
                response.read()
                if response.status != 200:
                    raise RuntimeError(f"The emulator responded to a post with {response.status}.")
        api.close()

    started = time.perf_counter()
    last, _ = await asyncio.gather(everyone.until(None, value), asyncio.to_thread(post))
    # The message was not a click, so the next click has the same value.
    everyone.newest = [value - 1] * len(everyone.newest)
    return {"everyone": last - started}


async def measure(stacks: dict[str, Stack], size: int, rounds: int) -> dict[str, list[Any]]:
    samples: dict[str, list[Any]] = {name: [] for name in (*stacks, FLOOR)}
    async with AsyncExitStack() as exits:
        audiences = {
            name: await exits.enter_async_context(audience(stack, size))
            for name, stack in stacks.items()
        }
        first = next(iter(stacks))
        connections = stacks[first].connections()
        peers: dict[str, Callable[[], Awaitable[dict[str, float]]]] = {
            name: (lambda name=name: click(audiences[name]))  # type: ignore[misc]
            for name in stacks
        }
        peers[FLOOR] = lambda: floor(stacks[first], audiences[first], connections)
        for each in audiences.values():
            await click(each)  # not measured: it opens the function's own connections
        for order in orders(list(peers), rounds):
            for name in order:
                samples[name].append(await peers[name]())
    return samples


def replace_code(stack: Stack) -> None:
    """Replace the function's code with the baseline's handler."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        module = HANDLER.rpartition(".")[0]
        archive.write(BASELINE_HANDLER, f"{module.replace('.', '/')}.py")
    stack.client("lambda").update_function_code(
        FunctionName=stack.outputs["FunctionName"], ZipFile=content.getvalue()
    )


def main(sizes: list[int], rounds: int) -> None:
    isolate(os.environ)
    config = stack_config(STACK) | {qualified("website"): "false"}
    with ExitStack() as exits:
        stacks = {}
        for name in (COUNTER_SERVICE, BASELINE):
            folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="click-")))
            emulator = exits.enter_context(MiniStack(config["aws:region"], folder))
            stacks[name] = Stack(emulator, deploy(emulator, STACK, config).outputs)
        replace_code(stacks[BASELINE])
        found = {size: asyncio.run(measure(stacks, size, rounds)) for size in sizes}
    print(json.dumps(found))


if __name__ == "__main__":
    rounds_and_sizes = [int(each) for each in sys.argv[1:]]
    main(rounds_and_sizes[1:], rounds_and_sizes[0])
