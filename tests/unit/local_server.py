"""An HTTP server on loopback in place of an AWS endpoint."""

import time
from collections.abc import Callable
from typing import Final

from tests.unit.raw_server import RawServer, Reply, Request, Then

HANG_UP: Final = -1  # close the connection without a response
SILENCE: Final = -2  # keep the connection open without a response

# The status of a response without a body, or one of the above, or a reply.
Respond = Callable[[Request], int | Reply]


class LocalServer(RawServer):
    """A server that replies with what `respond` returns. `received` are the requests so far."""

    def __init__(self, respond: Respond) -> None:
        super().__init__(lambda request: _reply(respond(request)))
        self.received = self.requests
        self.url = f"http://127.0.0.1:{self.port}"

    def count_once_there_are(self, number: int, seconds: float = 10) -> int:
        """The number of requests, after waiting for at least `number`.

        A request that its client has given up may still be on its way.
        """
        deadline = time.monotonic() + seconds
        while len(self.received) < number and time.monotonic() < deadline:
            time.sleep(0.01)
        return len(self.received)


def _reply(result: int | Reply) -> Reply:
    if isinstance(result, Reply):
        return result
    if result < 0:
        return Reply(b"", Then.HANG if result == SILENCE else Then.CLOSE)
    return Reply.of(result)
