"""An HTTP server on loopback in place of an AWS endpoint."""

import time
from collections.abc import Callable
from typing import Final

from tests.unit.raw_server import RawServer, Reply, Request, Then

HANG_UP: Final = -1  # close the connection without a response
SILENCE: Final = -2  # keep the connection open without a response

# The status of a response without a body, or one of the above, or a reply.
Answer = Callable[[Request], int | Reply]


class LocalServer(RawServer):
    """A server that replies with what `answer` returns. `received` are the requests so far."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(lambda request: _reply(answer(request)))
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


def _reply(answer: int | Reply) -> Reply:
    if isinstance(answer, Reply):
        return answer
    if answer < 0:
        return Reply(b"", Then.HANG if answer == SILENCE else Then.CLOSE)
    return Reply.of(answer)
