"""The public keys of an OpenID Connect issuer, fetched when a token needs them, and cached.

The formats: RFC 7517 (JWK set), openid.net/specs/openid-connect-discovery-1_0.html.
"""

import json
import logging
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from typing import Any, Final

SCHEME: Final = "https://"
# A handshake waits for the fetch. The first limit is for each read of a socket, the second for a
# whole fetch: name resolution and both documents.
TIMEOUT_SECONDS: Final = 2.0
TOTAL_SECONDS: Final = 4.0
MAX_BYTES: Final = 256 * 1024

# An unknown key id causes a fetch at most this often, because any client can invent key ids.
REFETCH_SECONDS: Final = 60
# Without any keys no client can connect, so fetch again sooner.
RETRY_SECONDS: Final = 5
# A key that the issuer withdrew is trusted for at most this long, unless the issuer is down.
MAX_AGE_SECONDS: Final = 60 * 60

_DISCOVERY: Final = "/.well-known/openid-configuration"
_SIGNING_KEY_TYPES: Final = ("RSA", "EC")

log = logging.getLogger(__name__)

Fetch = Callable[[str], bytes]


class KeysUnavailable(Exception):
    """The issuer's keys could not be fetched, and none are cached."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow no redirect, because https could lead to http. urllib then raises HTTPError."""


def fetch_https(url: str) -> bytes:
    """The content of an https URL. Raises OSError, HTTPException or ValueError.

    Returns at most MAX_BYTES + 1 bytes, so that the caller can detect a longer response.
    """
    if not url.startswith(SCHEME):
        raise ValueError("not an https URL")
    opener = urllib.request.build_opener(_NoRedirect())
    deadline = time.monotonic() + TOTAL_SECONDS
    with opener.open(url, timeout=TIMEOUT_SECONDS) as response:
        content = b""
        while len(content) <= MAX_BYTES and (part := response.read1(MAX_BYTES + 1 - len(content))):
            content += part
            if time.monotonic() > deadline:
                raise TimeoutError("the response did not end in time")
    return content


class JwksCache:
    """The keys of one issuer by id, cached as long as the function's process lives.

    Args:
        issuer: https URL without a trailing slash.
        jwks_url: URL of the keys. None: taken from the issuer's discovery document.
    """

    def __init__(
        self,
        issuer: str,
        jwks_url: str | None = None,
        *,
        fetch: Fetch | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = issuer
        self._jwks_url = jwks_url
        self._fetch = fetch or fetch_https
        self._monotonic = monotonic
        self._thread = ThreadPoolExecutor(1)
        self._keys: dict[str, dict[str, Any]] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None

    def get(self, key_id: str) -> dict[str, Any] | None:
        """The public key (JWK) with this id; None if there is none. Raises KeysUnavailable."""
        if (key_id not in self._keys or self._is_old()) and self._may_fetch():
            self._refresh()
        if self._fetched_at is None:
            raise KeysUnavailable
        return self._keys.get(key_id)

    def _is_old(self) -> bool:
        return self._since(self._fetched_at) >= MAX_AGE_SECONDS

    def _may_fetch(self) -> bool:
        gap = RETRY_SECONDS if self._fetched_at is None else REFETCH_SECONDS
        return self._since(self._tried_at) >= gap

    def _since(self, moment: float | None) -> float:
        return float("inf") if moment is None else self._monotonic() - moment

    def _refresh(self) -> None:
        self._tried_at = self._monotonic()
        try:
            # On a thread, because no timeout of a socket ends name resolution, or a server that
            # sends a byte of its headers each second.
            self._keys = self._thread.submit(self._load).result(TOTAL_SECONDS)
            self._fetched_at = self._monotonic()
        except (OSError, HTTPException, ValueError, RecursionError) as problem:
            # Keep the cached keys, so that clients can connect while the issuer is down.
            log.warning("the issuer's keys are unavailable", extra={"reason": _reason(problem)})

    def _load(self) -> dict[str, dict[str, Any]]:
        return _by_id(self._json(self._jwks_url or self._discovered()))

    def _discovered(self) -> str:
        document = self._json(f"{self._issuer}{_DISCOVERY}")
        issuer, url = document.get("issuer"), document.get("jwks_uri")
        if not isinstance(issuer, str) or issuer.rstrip("/") != self._issuer:
            raise ValueError("the discovery document names another issuer")
        if not isinstance(url, str):
            raise ValueError("the discovery document has no jwks_uri")
        return url

    def _json(self, url: str) -> dict[str, Any]:
        content = self._fetch(url)
        if len(content) > MAX_BYTES:
            raise ValueError(f"the response has more than {MAX_BYTES} bytes")
        document = json.loads(content)
        if not isinstance(document, dict):
            raise ValueError("the response is not a JSON object")
        return document


def _by_id(jwks: dict[str, Any]) -> dict[str, dict[str, Any]]:
    keys = jwks.get("keys")
    if not isinstance(keys, list):
        raise ValueError("the response is not a JWK set")
    return {
        key["kid"]: key
        for key in keys
        if isinstance(key, dict)
        and isinstance(key.get("kid"), str)
        and key.get("kty") in _SIGNING_KEY_TYPES
        and key.get("use", "sig") == "sig"
    }


def _reason(problem: Exception) -> str:
    return f"{type(problem).__name__}: {problem}"[:200]
