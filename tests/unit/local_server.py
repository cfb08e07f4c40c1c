"""An HTTP server on loopback, in the place of an AWS endpoint."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Final

# The names that API Gateway and DynamoDB give to some statuses.
_ERROR_TYPES: Final = {
    403: "ForbiddenException",
    410: "GoneException",
    413: "PayloadTooLargeException",
    429: "LimitExceededException",
}

HANG_UP: Final = -1  # close the connection without an answer
SILENCE: Final = -2  # keep the connection and say nothing


@dataclass(frozen=True, slots=True)
class Received:
    path: str
    body: bytes


# The status of the answer to a request, or one of the above.
Answer = Callable[[Received], int]


class LocalServer:
    """`received` are the requests so far, read completely, in order."""

    def __init__(self, answer: Answer) -> None:
        self.received: list[Received] = []
        self._answer = answer
        self._closing = Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        # serve_forever's own polling interval of 0.5 s is what closing would wait for
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def count_once_there_are(self, number: int, seconds: float = 10) -> int:
        """Of requests. One that nobody waits for any more may still be on its way to us."""
        deadline = time.monotonic() + seconds
        while len(self.received) < number and time.monotonic() < deadline:
            time.sleep(0.01)
        return len(self.received)

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        local = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                request = Received(self.path, body)
                local.received.append(request)
                status = local._answer(request)
                if status == SILENCE:
                    local._closing.wait()
                if status < 0:
                    self.close_connection = True
                    return
                self.send_response(status)
                if status in _ERROR_TYPES:
                    self.send_header("x-amzn-ErrorType", _ERROR_TYPES[status])
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_request(self, code: object = None, size: object = None) -> None:
                """Not to the console."""

        return Handler
