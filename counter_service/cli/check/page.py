"""Whether the page is served, and leads its browsers to the address that is checked."""

import asyncio
import json
from asyncio import Future
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from fnmatch import fnmatchcase
from http import HTTPStatus
from http.client import HTTPException
from threading import Thread
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urljoin, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, build_opener

from counter_service.cli.address import LOCAL_OUTPUTS, Address
from counter_service.client.connection import LOOPBACK

from .problems import Problem

CONFIG: Final = "/config.json"
MAX_BYTES: Final = 1_000_000
SOCKET_SECONDS: Final = 10
_PORTS: Final = {"ws": 80, "wss": 443}
_FAILURES: Final = (OSError, HTTPException, ValueError)  # what urllib raises


@dataclass(frozen=True, slots=True)
class Response:
    """A response of the site."""

    status: int
    headers: Message
    body: bytes


async def check(address: Address, page: str) -> None:
    """Raise Problem unless the page is served and connects to the address.

    Args:
        address: The counter that is checked.
        page: URL of the page.
    """
    served = await _get(address, page)
    kind = served.headers.get("Content-Type", "")
    if not kind.startswith("text/html") or not served.body:
        raise Problem(
            f"{page} is no HTML page, but {len(served.body)} bytes of {kind or 'no type'}.",
            *_look_at(address, "index.html"),
        )
    config = await _get(address, urljoin(page, CONFIG))
    named = _named(address, page, config)
    if _parts(named) != _parts(address.url):
        raise Problem(
            f"The page connects to {named}, and not to {address.url}.",
            *_of_another_address(address, config),
        )
    _check_policy(address, page, served)


def _named(address: Address, page: str, config: Response) -> str:
    """The WebSocket URL in config.json, as the page reads it: a path is one of its own server."""
    try:
        fields: Any = json.loads(config.body)
    except ValueError:
        fields = None
    named = fields.get("webSocketUrl") if isinstance(fields, dict) else None
    if not isinstance(named, str):
        raise Problem(
            f'{CONFIG} names no address. It should read {{"webSocketUrl": "wss://…"}}.',
            *_look_at(address, "config.json"),
        )
    named = named.strip()
    return _web_socket(urljoin(page, named)) if named.startswith("/") else named


def _check_policy(address: Address, page: str, served: Response) -> None:
    policy = served.headers.get("Content-Security-Policy", "")
    words = [directive.split() for directive in policy.split(";") if directive.strip()]
    directives = {name: sources for name, *sources in words}
    sources = directives.get("connect-src", directives.get("default-src", ["*"]))
    url = urlsplit(address.url)
    origin = f"{url.scheme}://{url.netloc}"
    covered = [origin, url.netloc, f"{url.scheme}:"]
    if _web_socket(urljoin(page, "/")) == f"{origin}/":
        covered.append("'self'")
    if not any(fnmatchcase(each, source) for each in covered for source in sources):
        raise Problem(
            f"The content security policy of the page forbids connections to {origin}.",
            "right after a deployment: CloudFront distributes a new policy within minutes",
            "content_security_policy in counter_service/infra/site_policies.py",
        )


async def _get(address: Address, url: str) -> Response:
    """The response with status 200. Raises Problem for any other."""
    name = urlsplit(url).path or "/"
    file = "config.json" if name == CONFIG else "index.html"
    try:
        response = await _fetch(url)
    except _FAILURES as problem:
        cause = getattr(problem, "reason", problem)
        reason = getattr(cause, "strerror", None) or cause
        raise Problem(f"{url} cannot be loaded: {reason}.", *_look_at(address, file)) from problem
    if 300 <= response.status < 400:
        raise Problem(
            f"{url} redirects to {response.headers.get('Location')} ({response.status}).",
            "--page, with the address that the redirects lead to: its origin must be allowed",
        )
    if response.status != HTTPStatus.OK:
        raise Problem(f"{url} is not served ({response.status}).", *_look_at(address, file))
    return response


async def _fetch(url: str) -> Response:
    """Load a URL in a thread that the process does not wait for, so that the caller may give up."""
    loop = asyncio.get_running_loop()
    loaded: Future[Response] = loop.create_future()

    def settle(response: Response | Exception) -> None:
        if loaded.done():
            return
        if isinstance(response, Exception):
            loaded.set_exception(response)
        else:
            loaded.set_result(response)

    def run() -> None:
        try:
            response: Response | Exception = _load(url)
        except _FAILURES as problem:
            response = problem
        with suppress(RuntimeError):  # the loop is closed, and the response is too late
            loop.call_soon_threadsafe(settle, response)

    Thread(target=run, daemon=True).start()
    return await loaded


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Leave the response as it is."""


def _load(url: str) -> Response:
    direct = [ProxyHandler({})] if urlsplit(url).hostname in LOOPBACK else []
    try:
        with build_opener(_NoRedirect, *direct).open(url, timeout=SOCKET_SECONDS) as response:
            return Response(response.status, response.headers, response.read(MAX_BYTES))
    except HTTPError as response:
        with response:
            return Response(response.code, response.headers, b"")


def silent(address: Address, page: str) -> Problem:
    """The site does not respond."""
    return Problem(f"{page} does not respond.", *_look_at(address, "index.html"))


def _web_socket(url: str) -> str:
    return "ws" + url.removeprefix("http")


def _parts(url: str) -> tuple[str, str | None, int | None, str, str] | None:
    """What has to be equal; None for no URL."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS.get(parts.scheme)
        return parts.scheme, parts.hostname, port, parts.path, parts.query
    except ValueError:
        return None


def _of_another_address(address: Address, config: Response) -> list[str]:
    age = config.headers.get("Age", "0")
    cached = [f"a cache before the site: the response is {age} seconds old"] if age != "0" else []
    return [
        *cached,
        *_look_at(address, "config.json"),
        "domainName: until its certificate is valid, the page keeps its previous address",
    ]


def _look_at(address: Address, file: str) -> list[str]:
    if address.source == LOCAL_OUTPUTS:
        return ["make run, which serves web/dist and writes config.json itself: start it again"]
    return [
        f"{file} in the site's bucket: `pulumi refresh`, then `make up`",
        "Website.publish in counter_service/infra/website.py, which uploads both files last",
        "WebsiteUrl in `make outputs STACK=…`",
    ]
