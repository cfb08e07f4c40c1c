"""The issuer's keys: fetched once, then kept, whatever the issuer does."""

import json
import logging
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest

from counter_service.runtime.auth import jwks as module
from counter_service.runtime.auth.jwks import (
    MAX_AGE_SECONDS,
    MAX_BYTES,
    REFETCH_SECONDS,
    RETRY_SECONDS,
    JwksCache,
    KeysUnavailable,
    fetch_https,
)
from tests.unit.issuer import Issuer, ec_key, public_jwk

pytestmark = pytest.mark.usefixtures("package_logger")

URL = "https://login.example.com"
DISCOVERY = "/.well-known/openid-configuration"


class World:
    """An issuer that can be down, and a clock that stands still."""

    def __init__(self) -> None:
        self.issuer = Issuer(URL)
        self.time = 1000.0
        self.failure: Exception | None = None
        self.keys = JwksCache(URL, fetch=self.fetch, monotonic=lambda: self.time)

    def fetch(self, url: str) -> bytes:
        if self.failure:
            self.issuer.asked.append("nobody answers")
            raise self.failure
        return self.issuer.fetch(url)

    @property
    def asked(self) -> list[str]:
        return self.issuer.asked


@pytest.fixture
def world() -> World:
    return World()


def test_asks_where_the_keys_are_and_then_for_them(world: World) -> None:
    assert world.asked == []
    key = world.keys.get("first")
    assert key == public_jwk(world.issuer.keys["first"], "first")
    assert world.asked == [DISCOVERY, "/keys"]


def test_does_not_ask_where_they_are_when_it_is_told(world: World) -> None:
    keys = JwksCache(URL, f"{URL}/keys", fetch=world.fetch)
    assert keys.get("first")
    assert world.asked == ["/keys"]


def test_asks_once(world: World) -> None:
    for _ in range(3):
        assert world.keys.get("first")
    assert world.asked == [DISCOVERY, "/keys"]


@pytest.mark.parametrize(
    ("seconds", "asks"), [(0, 1), (REFETCH_SECONDS - 1, 1), (REFETCH_SECONDS, 2)]
)
def test_unknown_ids_make_it_ask_once_a_minute(world: World, seconds: int, asks: int) -> None:
    world.keys.get("first")
    world.time += seconds
    for number in range(5):
        assert world.keys.get(f"made-up-{number}") is None
    assert world.asked.count("/keys") == asks


def test_finds_a_new_key_and_forgets_an_old_one(world: World) -> None:
    world.keys.get("first")
    world.issuer.keys = {"second": ec_key()}
    world.time += REFETCH_SECONDS
    assert world.keys.get("second")
    assert world.keys.get("first") is None


def test_a_withdrawn_key_is_gone_within_an_hour(world: World) -> None:
    world.keys.get("first")
    world.issuer.keys = {"second": ec_key()}
    world.time += MAX_AGE_SECONDS - 1
    assert world.keys.get("first")
    world.time += 1
    assert world.keys.get("first") is None


class TestDown:
    @pytest.mark.parametrize("failure", [TimeoutError(), ConnectionError(), ValueError("cut")])
    def test_nobody_gets_in_and_the_log_says_why(
        self, world: World, failure: Exception, caplog: pytest.LogCaptureFixture
    ) -> None:
        world.failure = failure
        with (
            caplog.at_level(logging.WARNING, module.__name__),
            pytest.raises(KeysUnavailable),
        ):
            world.keys.get("first")
        [record] = caplog.records
        assert record.getMessage() == "the issuer's keys are unavailable"
        assert type(failure).__name__ in vars(record)["reason"]

    def test_is_asked_again_after_some_seconds(self, world: World) -> None:
        world.failure = TimeoutError()
        for seconds in (0, 1, RETRY_SECONDS - 1):
            world.time += seconds
            with pytest.raises(KeysUnavailable):
                world.keys.get("first")
        assert len(world.asked) == 2  # at once, and RETRY_SECONDS later
        world.failure = None
        world.time += RETRY_SECONDS
        assert world.keys.get("first")

    def test_keys_from_earlier_stay(self, world: World) -> None:
        world.keys.get("first")
        world.failure = TimeoutError()
        world.time += 2 * MAX_AGE_SECONDS
        for _ in range(3):
            assert world.keys.get("first")
        assert world.asked.count("nobody answers") == 1


JWKS: dict[str, list[object]] = {"keys": []}


@pytest.mark.parametrize(
    ("discovery", "jwks"),
    [
        ("", JWKS),
        ("[]", JWKS),
        ("{}", JWKS),
        ("<html>", JWKS),
        ('"\\ud800', JWKS),
        ("[" * 100_000, JWKS),
        ({"issuer": URL}, JWKS),
        ({"issuer": "https://evil.test", "jwks_uri": f"{URL}/keys"}, JWKS),
        ({"issuer": URL, "jwks_uri": 7}, JWKS),
        (None, []),
        (None, {}),
        (None, {"keys": {}}),
        (None, " " * MAX_BYTES + json.dumps(JWKS)),
    ],
    ids=lambda text: repr(text)[:30],
)
def test_wrong_documents_are_no_keys(discovery: Any, jwks: Any) -> None:
    documents = {
        f"{URL}{DISCOVERY}": discovery or {"issuer": URL, "jwks_uri": f"{URL}/keys"},
        f"{URL}/keys": jwks,
    }
    if discovery == "":
        documents[f"{URL}{DISCOVERY}"] = ""

    def fetch(url: str) -> bytes:
        document = documents[url]
        return (document if isinstance(document, str) else json.dumps(document)).encode()

    with pytest.raises(KeysUnavailable):
        JwksCache(URL, fetch=fetch).get("first")


def test_the_issuer_may_call_itself_with_a_slash() -> None:
    key = public_jwk(ec_key(), "first")
    documents = {
        f"{URL}{DISCOVERY}": {"issuer": f"{URL}/", "jwks_uri": f"{URL}/keys"},
        f"{URL}/keys": {"keys": [key]},
    }
    keys = JwksCache(URL, fetch=lambda url: json.dumps(documents[url]).encode())
    assert keys.get("first") == key


def test_keys_for_other_things_are_passed_over() -> None:
    good = public_jwk(ec_key(), "good")
    others: list[Any] = [
        {**good, "kid": "encryption", "use": "enc"},
        {"kid": "shared", "kty": "oct", "k": "AAAA"},
        {**good, "kid": 7},
        {name: value for name, value in good.items() if name != "kid"},
        "text",
        None,
    ]
    content = json.dumps({"keys": [*others, good]}).encode()
    keys = JwksCache(URL, f"{URL}/keys", fetch=lambda _: content)
    assert keys.get("good") == good
    assert [keys.get(key_id) for key_id in ("encryption", "shared")] == [None, None]


class TestFetch:
    """Over HTTP here: only the check of the scheme is left out."""

    @pytest.fixture
    def serve(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
        closing = Event()
        servers: list[tuple[ThreadingHTTPServer, Thread]] = []

        def start(answer: Callable[[BaseHTTPRequestHandler, Event], None]) -> str:
            class Handler(BaseHTTPRequestHandler):
                def do_GET(self) -> None:
                    answer(self, closing)

                def log_message(self, *_: object) -> None:
                    """Not to the console."""

            server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            server.daemon_threads = True
            thread = Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            servers.append((server, thread))
            return f"http://127.0.0.1:{server.server_port}"

        monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.2)
        monkeypatch.setattr(module, "SCHEME", "http://")
        yield start
        closing.set()
        for server, thread in servers:
            server.shutdown()
            thread.join()
            server.server_close()

    def test_gets_a_document(self, serve: Callable[..., str]) -> None:
        def answer(request: BaseHTTPRequestHandler, _: Event) -> None:
            request.send_response(200)
            request.end_headers()
            request.wfile.write(b'{"keys":[]}')

        assert fetch_https(f"{serve(answer)}/keys") == b'{"keys":[]}'

    def test_reads_no_more_than_shows_that_it_is_too_much(self, serve: Callable[..., str]) -> None:
        def answer(request: BaseHTTPRequestHandler, _: Event) -> None:
            request.send_response(200)
            request.end_headers()
            request.wfile.write(b" " * (MAX_BYTES + 1000))

        url = f"{serve(answer)}/keys"
        assert len(fetch_https(url)) == MAX_BYTES + 1
        with pytest.raises(KeysUnavailable):
            JwksCache(URL, url).get("first")

    @pytest.mark.parametrize("status", [301, 302, 307, 308, 404, 500])
    def test_follows_nowhere(self, serve: Callable[..., str], status: int) -> None:
        def answer(request: BaseHTTPRequestHandler, _: Event) -> None:
            if request.path == "/elsewhere":
                request.send_response(200)
                request.end_headers()
                return
            request.send_response(status)
            request.send_header("Location", "/elsewhere")
            request.end_headers()

        with pytest.raises(OSError, match=str(status)) as caught:
            fetch_https(f"{serve(answer)}/keys")
        caught.value.close()  # type: ignore[attr-defined]  # HTTPError holds the connection

    def test_waits_no_longer_than_it_says(self, serve: Callable[..., str]) -> None:
        url = serve(lambda _, closing: closing.wait() and None)
        with pytest.raises(KeysUnavailable):
            JwksCache(URL, url).get("first")


@pytest.mark.parametrize("url", ["http://a.test/keys", "file:///etc/passwd", "ftp://a.test", ""])
def test_fetches_over_https_alone(url: str) -> None:
    with pytest.raises(ValueError, match="not an https URL"):
        fetch_https(url)
