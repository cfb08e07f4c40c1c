"""Serves the built page as the hosted site does, and the WebSocket API on the same port."""

import asyncio
import json
import logging
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

from . import forwarding, hosts
from .emulator import HOST
from .errors import LocalError
from .files import INDEX, file_response, response, text_response
from .forwarding import Forwarding

CONFIG_PATH: Final = "/config.json"
_OUR_FAILURES: Final = ("process_request failed", "connection handler failed")

# Browsers open connections that they do not use, and the library logs each as an error. So pass on
# only the failures of our own code.
_log: Final = logging.getLogger("counter_service.local.site")
_log.addFilter(lambda record: record.msg in _OUR_FAILURES)


class Site:
    """A server for the built page. It is bound at once, and responds while `serving` runs.

    Args:
        folder: Folder of the built page.
        port: Port to listen on. 0: a free one.
        host: Address or name to listen on.

    Raises:
        LocalError: The page is not built, or the port or the host cannot be used.
    """

    def __init__(self, folder: Path, port: int, host: str = HOST) -> None:
        if not (folder / INDEX).is_file():
            raise LocalError(f"The page is not built: {folder} has no index.html. Run make build.")
        self._folder = folder
        self._host = host
        self._listener = _listener(host, port)

    @property
    def exposed(self) -> bool:
        """Whether other machines can reach the site."""
        return not ip_address(self._listener.getsockname()[0]).is_loopback

    @property
    def address(self) -> str:
        """Host and port of the site's URLs."""
        address, port = self._listener.getsockname()[:2]
        if ip_address(address).is_unspecified:
            address = HOST if self._listener.family == socket.AF_INET else "::1"
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"

    @property
    def url(self) -> str:
        """URL of the site, without a trailing slash."""
        return f"http://{self.address}"

    @contextmanager
    def serving(self, web_socket_url: str, allowed_origins: Sequence[str] = ()) -> Iterator[str]:
        """Serve until the block ends.

        Args:
            web_socket_url: URL of the stage at the emulator, to which WebSockets are forwarded.
            allowed_origins: Origins that may connect. The site may be reached by their hosts.

        Yields:
            The site's own URL of the stage.
        """
        target = Forwarding(web_socket_url, self.url)
        trusted = hosts.of_this_machine(self._host, list(allowed_origins))
        loop = asyncio.new_event_loop()
        stop, started = asyncio.Event(), threading.Event()

        def run() -> None:
            try:
                with asyncio.Runner(loop_factory=lambda: loop) as runner:
                    runner.run(self._serve(target, trusted, started, stop))
            finally:
                started.set()

        # A thread, because the main thread gets the signals and watches the emulator.
        thread = threading.Thread(target=run, name="site")
        thread.start()
        started.wait()
        try:
            yield f"ws://{self.address}{target.path}"
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()

    def close(self) -> None:
        """Stop listening and free the port."""
        self._listener.close()

    async def _serve(
        self,
        target: Forwarding,
        trusted: hosts.Hosts,
        started: threading.Event,
        stop: asyncio.Event,
    ) -> None:
        # Only a path, because only the browser has the host and port by which it reached the site.
        config = json.dumps({"webSocketUrl": target.path}).encode()
        transports: set[asyncio.Transport] = set()

        class Client(ServerConnection):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                super().connection_made(transport)
                transports.add(self.transport)

            def connection_lost(self, exc: Exception | None) -> None:
                transports.discard(self.transport)
                super().connection_lost(exc)

        async def respond(client: ServerConnection, request: Request) -> Response | None:
            host = ", ".join(request.headers.get_all("Host"))
            if not trusted.trusts(host):
                return text_response(HTTPStatus.FORBIDDEN, _untrusted(host))
            if [each.lower() for each in request.headers.get_all("Upgrade")] == ["websocket"]:
                return await target.open(client, request)
            if request.method != "GET":
                return text_response(HTTPStatus.METHOD_NOT_ALLOWED, "Only GET is served.")
            if urlsplit(request.path).path == CONFIG_PATH:
                return response(HTTPStatus.OK, "application/json", config)
            return file_response(self._folder, request.path)

        async with serve(
            target.forward,
            sock=self._listener.dup(),  # a copy, because the server closes its socket
            process_request=respond,
            select_subprotocol=forwarding.select_subprotocol,
            create_connection=Client,
            server_header=None,
            compression=None,
            open_timeout=forwarding.HANDSHAKE_SECONDS,
            close_timeout=forwarding.CLOSE_SECONDS,
            ping_interval=None,
            max_size=(forwarding.MAX_MESSAGE, forwarding.MAX_FRAME),
            logger=_log,
        ) as server:
            started.set()
            await stop.wait()
            server.close()
            # Open clients get a close frame. Abort connections without a request, because the
            # server would wait for one.
            await asyncio.sleep(0)
            opened = {client.transport for client in server.connections}
            for transport in transports - opened:
                transport.abort()


def _listener(host: str, port: int) -> socket.socket:
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        return socket.create_server(address[:2], family=family, backlog=1024)
    except (OSError, UnicodeError) as problem:
        # Use only the reason, because create_server's own text repeats the address.
        number = getattr(problem, "errno", None)
        reason = os.strerror(number) if number and number > 0 else problem
        raise LocalError(
            f"The page cannot be served on port {port} of {host}: {reason}. "
            "Choose others with PORT= and HOST=, or leave both out to get a free port."
        ) from problem


def _untrusted(host: str) -> str:
    return (
        f"The local run does not serve {host!r}, because a foreign page may have given that name "
        "this machine's address. Open the page at an IP address or at localhost, start the run "
        "with HOST=<that name>, or add the page's origin to allowedOrigins."
    )
