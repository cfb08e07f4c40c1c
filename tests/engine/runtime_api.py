"""Lambda's Runtime API, from which a runtime client gets events, and to which it posts results.

docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any, Final

FUNCTION_ARN: Final = "arn:aws:lambda:eu-central-1:123456789012:function:websocket-dev"
SECONDS: Final = 30
_VERSION: Final = "/2018-06-01/runtime"


@dataclass
class RuntimeApi:
    """Events that wait for a client, and the results that it posts.

    Attributes:
        address: host:port.
    """

    address: str
    _events: Queue[Any] = field(default_factory=Queue)
    _results: Queue[tuple[str, Any]] = field(default_factory=Queue)

    def invoke(self, event: Any) -> tuple[str, Any]:
        """Have the client handle an event. Return "response" or "error", and its body."""
        self._events.put(event)
        return self._results.get(timeout=SECONDS)


@contextmanager
def runtime_api() -> Iterator[RuntimeApi]:
    """Serve the Runtime API."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # the client keeps its connection

        def do_GET(self) -> None:
            assert self.path == f"{_VERSION}/invocation/next"
            event = api._events.get()
            self._respond(
                event,
                {
                    "Lambda-Runtime-Aws-Request-Id": f"request-{time.monotonic_ns()}",
                    "Lambda-Runtime-Deadline-Ms": str(int((time.time() + SECONDS) * 1000)),
                    "Lambda-Runtime-Invoked-Function-Arn": FUNCTION_ARN,
                    "Lambda-Runtime-Trace-Id": "Root=1-69a6e16b-0123456789abcdef01234567",
                    "Content-Type": "application/json",
                },
            )

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            api._results.put((self.path.rpartition("/")[2], body))
            self._respond({"status": "OK"}, {}, 202)

        def _respond(self, content: Any, headers: dict[str, str], status: int = 200) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            for name, value in (headers | {"Content-Length": str(len(body))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True  # one waits for an event that does not come
    api = RuntimeApi(f"127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
