"""Sends the requests of a client on one connection, each when it is due."""

import asyncio
import random
from contextlib import suppress
from typing import Final

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from .messages import GET_CURRENT, increment
from .requests import HEARTBEAT, Requests

# API Gateway closes a connection after two hours. The age is random, so that clients which started
# together do not reconnect together.
ROTATE_SECONDS: Final = (105 * 60.0, 115 * 60.0)


async def send(connection: ClientConnection, requests: Requests, changed: asyncio.Event) -> None:
    """Send until the connection is closed. Close it if it is dead or old.

    Args:
        changed: Set when a request was added or settled.
    """
    now = asyncio.get_running_loop().time
    old_at = now() + random.uniform(*ROTATE_SECONDS)
    with suppress(ConnectionClosed):  # the receiver raises it too
        while now() < min(requests.dead_at, old_at):
            changed.clear()
            for key in requests.take(now()):
                await connection.send(GET_CURRENT if key == HEARTBEAT else increment(key))
            with suppress(TimeoutError):
                async with asyncio.timeout_at(min(requests.due_at, requests.dead_at, old_at)):
                    await changed.wait()
        if now() < old_at:
            requests.died()
            connection.transport.abort()  # a dead server takes no part in a closing handshake
        await connection.close()
