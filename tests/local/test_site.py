"""The server of the built page, for `make run`."""

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from email.message import Message
from pathlib import Path

import pytest

from counter_service.local.errors import LocalError
from counter_service.local.site import Site
from tests.infra import page

NOWHERE = "ws://127.0.0.1:1/_aws/execute-api/abc/prod"
SCRIPT = next(name for name in page.BUILT if name.endswith(".js"))


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    dist = page.build(tmp_path_factory.mktemp("web")) / "dist"
    with closing(Site(dist, 0)) as site, site.serving(NOWHERE):
        yield site.url


def get(url: str) -> tuple[int, str, Message]:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.read().decode(), response.headers
    except urllib.error.HTTPError as response:
        with response:
            return response.code, "", response.headers


def test_site_serves_the_path_of_the_websocket_as_config_json(origin: str) -> None:
    status, body, headers = get(f"{origin}/config.json")
    assert (status, json.loads(body)) == (200, {"webSocketUrl": "/prod"})
    assert headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/", "/realtime-counter", "/nowhere", "/a/b/"])
def test_site_serves_the_page_at_every_route(origin: str, path: str) -> None:
    status, body, headers = get(origin + path)
    assert (status, body) == (200, page.BUILT["index.html"])
    assert headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["/assets/gone.js", "/config.json/", "/../package.json", "/%2e%2e/package.json"]
)
def test_site_responds_to_a_missing_file_and_to_one_outside_of_it_with_404(
    origin: str, path: str
) -> None:
    status, _, headers = get(origin + path)
    assert status == 404
    assert headers["Cache-Control"] == "no-cache"  # the next build may have it


def test_site_lets_browsers_cache_hashed_assets_for_a_year(origin: str) -> None:
    _, _, headers = get(f"{origin}/{SCRIPT}")
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "javascript" in headers["Content-Type"]


def test_site_reports_a_port_in_use(tmp_path: Path) -> None:
    dist = page.build(tmp_path) / "dist"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LocalError) as error:
            Site(dist, port)
    assert str(error.value) == (
        f"The page cannot be served on port {port} of 127.0.0.1: Address already in use. "
        "Choose others with PORT= and HOST=, or leave both out to get a free port."
    )
