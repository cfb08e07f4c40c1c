"""Serves the built page as the hosted site does: files, /config.json, and the page for the rest."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from .emulator import HOST
from .errors import LocalError

CONFIG_PATH: Final = "/config.json"
INDEX: Final = "/index.html"


class Site:
    """A bound, not yet serving, server for one folder.

    Raises LocalError when the page is not built or the port is taken.
    """

    def __init__(self, folder: Path, port: int) -> None:
        if not (folder / "index.html").is_file():
            raise LocalError(f"The page is not built: {folder} has no index.html. Run make build.")
        self._config = b"{}"

        def handler(*args: Any) -> PageHandler:
            return PageHandler(*args, directory=str(folder), config=lambda: self._config)

        try:
            self._server = ThreadingHTTPServer((HOST, port), handler)
        except OSError as problem:
            reason = problem.strerror or problem
            raise LocalError(
                f"The page cannot be served on port {port}: {reason}. "
                "Choose another with PORT=, or leave PORT out to get a free one."
            ) from problem
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._server.server_address[1]}"

    @contextmanager
    def serving(self, config: dict[str, str]) -> Iterator[None]:
        """Serve, with `config` as /config.json, until the block ends."""
        self._config = json.dumps(config).encode()
        thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="site")
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            thread.join()

    def close(self) -> None:
        self._server.server_close()


class PageHandler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *args: Any, config: Any, **kwargs: Any) -> None:
        self._config = config
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        if urlsplit(self.path).path == CONFIG_PATH:
            self._send_config()
        else:
            super().do_GET()

    def send_head(self) -> Any:
        # A route of the page is not a file: the page itself finds out what to show.
        path = Path(self.translate_path(self.path))
        if not path.is_file() and not path.suffix:
            self.path = INDEX
        return super().send_head()

    def send_response(self, code: int, message: str | None = None) -> None:
        super().send_response(code, message)
        # Before any other header: end_headers no longer knows the status.
        hashed = code == HTTPStatus.OK and urlsplit(self.path).path.startswith("/assets/")
        self.send_header(
            "Cache-Control", "public, max-age=31536000, immutable" if hashed else "no-cache"
        )

    def end_headers(self) -> None:
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def log_message(self, *args: Any) -> None:
        """Say nothing: the terminal is for the URLs."""

    def _send_config(self) -> None:
        content = self._config()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
