"""The cache of an issuer's keys, whatever the issuer does."""

import io
import json
import logging
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
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
from tests.unit.local_server import SILENCE, LocalServer, Respond
from tests.unit.raw_server import Reply

pytestmark = pytest.mark.usefixtures("package_logger")

URL = "https://login.example.com"
DISCOVERY = "/.well-known/openid-configuration"


class FakeIssuer(Issuer):
    """An issuer that can fail, and the cache of its keys on a clock that a test moves."""

    def __init__(self, jwks_url: str | None = None) -> None:
        super().__init__(URL)
        self.now = 1000.0
        self.failure: Exception | None = None
        self.cache = JwksCache(URL, jwks_url, fetch=self.fetch, monotonic=lambda: self.now)

    def fetch(self, url: str) -> bytes:
        document = super().fetch(url)
        if self.failure:
            raise self.failure
        return document


@pytest.fixture
def issuer() -> FakeIssuer:
    return FakeIssuer()


@pytest.mark.parametrize(
    ("jwks_url", "paths"), [(None, [DISCOVERY, "/keys"]), (f"{URL}/keys", ["/keys"])]
)
def test_keys_are_fetched_once_when_they_are_needed(jwks_url: str | None, paths: list[str]) -> None:
    issuer = FakeIssuer(jwks_url)
    assert issuer.asked == []
    for _ in range(3):
        assert issuer.cache.get("first") == public_jwk(issuer.keys["first"], "first")
    assert issuer.asked == paths


@pytest.mark.parametrize(("seconds", "fetches"), [(REFETCH_SECONDS - 1, 1), (REFETCH_SECONDS, 2)])
def test_unknown_ids_cause_a_fetch_a_minute(issuer: FakeIssuer, seconds: int, fetches: int) -> None:
    issuer.cache.get("first")
    issuer.now += seconds
    for number in range(5):
        assert issuer.cache.get(f"made-up-{number}") is None
    assert issuer.asked.count("/keys") == fetches


def test_withdrawn_key_is_trusted_for_no_longer_than_an_hour(issuer: FakeIssuer) -> None:
    issuer.cache.get("first")
    issuer.keys = {"second": ec_key()}
    issuer.now += MAX_AGE_SECONDS - 1
    assert issuer.cache.get("first")
    issuer.now += 1
    assert issuer.cache.get("first") is None
    issuer.keys = {"third": ec_key()}
    issuer.now += REFETCH_SECONDS
    assert issuer.cache.get("third")
    assert issuer.cache.get("second") is None


# --- an issuer that fails ---


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (TimeoutError(), "TimeoutError: "),
        (HTTPException("odd"), "HTTPException: odd"),
        (ValueError("x" * 500), f"ValueError: {'x' * 188}"),  # 200 characters
    ],
)
def test_failure_of_the_issuer_is_logged_with_its_reason(
    issuer: FakeIssuer, failure: Exception, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    issuer.failure = failure
    with caplog.at_level(logging.WARNING, module.__name__), pytest.raises(KeysUnavailable):
        issuer.cache.get("first")
    [record] = caplog.records
    assert record.getMessage() == "the issuer's keys are unavailable"
    assert vars(record)["reason"] == reason


def test_failed_fetch_is_retried_after_some_seconds(issuer: FakeIssuer) -> None:
    issuer.failure = TimeoutError()
    for seconds in (0, 1, RETRY_SECONDS - 1):
        issuer.now += seconds
        with pytest.raises(KeysUnavailable):
            issuer.cache.get("first")
    assert len(issuer.asked) == 2  # at once, and RETRY_SECONDS later
    issuer.failure = None
    issuer.now += RETRY_SECONDS
    assert issuer.cache.get("first")


def test_cached_keys_are_kept_while_the_issuer_fails(issuer: FakeIssuer) -> None:
    issuer.cache.get("first")
    issuer.failure = TimeoutError()
    issuer.now += 2 * MAX_AGE_SECONDS
    for _ in range(3):
        assert issuer.cache.get("first")
    assert issuer.asked == [DISCOVERY, "/keys", DISCOVERY]


# --- documents ---

DISCOVERED = {"issuer": URL, "jwks_uri": f"{URL}/keys"}
JWKS: dict[str, list[object]] = {"keys": []}


def cache_of(discovery: object, jwks: object) -> JwksCache:
    documents = {f"{URL}{DISCOVERY}": discovery, f"{URL}/keys": jwks}

    def fetch(url: str) -> bytes:
        document = documents[url]
        return (document if isinstance(document, str) else json.dumps(document)).encode()

    return JwksCache(URL, fetch=fetch)


@pytest.mark.parametrize(
    ("discovery", "jwks"),
    [
        ("", JWKS),
        ("{}", JWKS),
        ("<html>", JWKS),
        ('"\\ud800', JWKS),
        ("[" * 100_000, JWKS),
        ({"issuer": URL}, JWKS),
        (DISCOVERED | {"issuer": "https://evil.test"}, JWKS),
        (DISCOVERED | {"issuer": f"{URL}~"}, JWKS),
        (DISCOVERED | {"jwks_uri": 7}, JWKS),
        (DISCOVERED, []),
        (DISCOVERED, {}),
        (DISCOVERED, {"keys": {}}),
        (DISCOVERED, " " * MAX_BYTES + json.dumps(JWKS)),
    ],
    ids=lambda text: repr(text)[:30],
)
def test_malformed_document_makes_the_keys_unavailable(discovery: object, jwks: object) -> None:
    with pytest.raises(KeysUnavailable):
        cache_of(discovery, jwks).get("first")


@pytest.mark.parametrize(
    ("discovery", "jwks", "problem"),
    [
        ("[]", JWKS, "the response is not a JSON object"),
        ({"issuer": "https://evil.test"}, JWKS, "the discovery document names another issuer"),
        ({"issuer": URL}, JWKS, "the discovery document has no jwks_uri"),
        (DISCOVERED, {}, "the response is not a JWK set"),
        (DISCOVERED, " " * (MAX_BYTES + 1), f"the response has more than {MAX_BYTES} bytes"),
    ],
)
def test_unusable_document_is_logged_with_its_problem(
    discovery: object, jwks: object, problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, module.__name__), pytest.raises(KeysUnavailable):
        cache_of(discovery, jwks).get("first")
    [record] = caplog.records
    assert vars(record)["reason"] == f"ValueError: {problem}"


def test_largest_document_is_accepted() -> None:
    key = public_jwk(ec_key(), "first")
    jwks = json.dumps({"keys": [key]}).rjust(MAX_BYTES)
    assert cache_of(DISCOVERED, jwks).get("first") == key


def test_discovered_issuer_may_end_with_a_slash() -> None:
    key = public_jwk(ec_key(), "first")
    assert cache_of(DISCOVERED | {"issuer": f"{URL}/"}, {"keys": [key]}).get("first") == key


def test_keys_that_sign_nothing_are_ignored() -> None:
    good = public_jwk(ec_key(), "good")
    others: list[Any] = [
        {**good, "kid": "encryption", "use": "enc"},
        {"kid": "shared", "kty": "oct", "k": "AAAA"},
        {**good, "kid": 7},
        {name: value for name, value in good.items() if name != "kid"},
        "text",
        None,
    ]
    keys = cache_of(DISCOVERED, {"keys": [*others, good]})
    assert keys.get("good") == good
    assert [keys.get(key_id) for key_id in ("encryption", "shared")] == [None, None]


def test_key_without_a_use_is_treated_as_a_signing_key() -> None:
    key = {name: value for name, value in public_jwk(ec_key(), "first").items() if name != "use"}
    assert cache_of(DISCOVERED, {"keys": [key]}).get("first") == key


# --- fetching ---

Serve = Callable[[Respond], LocalServer]


@pytest.fixture
def serve(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Serve:
    monkeypatch.setattr(module, "SCHEME", "http://")  # passes for https
    return serve


def test_key_fetch_reads_at_most_one_byte_more_than_it_accepts(serve: Serve) -> None:
    url = serve(lambda _: Reply.of(200, body=b" " * (MAX_BYTES + 1000))).url
    assert fetch_https(url) == b" " * (MAX_BYTES + 1)
    with pytest.raises(KeysUnavailable):
        JwksCache(URL, url).get("first")


def test_key_fetch_detects_a_long_response_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    class Parts(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            return super().read1(min(size or 0, MAX_BYTES))

    class Opener:
        def open(self, *_: object, **__: object) -> Parts:
            return Parts(b" " * (MAX_BYTES + 1000))

    monkeypatch.setattr(urllib.request, "build_opener", lambda *_: Opener())
    assert len(fetch_https(URL)) == MAX_BYTES + 1


def test_key_fetch_stops_at_its_total_time(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOTAL_SECONDS", -1)
    with pytest.raises(TimeoutError, match=r"^the response did not end in time$"):
        fetch_https(serve(lambda _: Reply.of(200, body=b"{}")).url)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 404, 500])
def test_key_fetch_follows_no_redirect(serve: Serve, status: int) -> None:
    head = f"HTTP/1.1 {status} X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n".encode()
    server = serve(lambda request: 200 if request.path == "/elsewhere" else Reply(head))
    with pytest.raises(OSError, match=str(status)) as caught:
        fetch_https(f"{server.url}/keys")
    caught.value.close()  # type: ignore[attr-defined]  # HTTPError holds the connection


@pytest.mark.timeout(5)
def test_key_fetch_stops_at_its_timeout(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.2)
    with pytest.raises(TimeoutError):
        fetch_https(serve(lambda _: SILENCE).url)


@pytest.mark.parametrize("url", ["http://a.test/keys", "file:///etc/passwd", "ftp://a.test", ""])
def test_key_fetch_accepts_only_https(url: str) -> None:
    with pytest.raises(ValueError, match=r"^not an https URL$"):
        fetch_https(url)
