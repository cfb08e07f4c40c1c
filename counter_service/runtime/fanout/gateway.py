"""Outbox on API Gateway's @connections API."""

import ssl
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from counter_service.runtime.core.ports import PostResult

from .fan_out import LIMITS, FanOut, Limits
from .pace import UNLIMITED, Pace
from .pool import ConnectionPool
from .signing import Credentials, SignedRequestTemplate, Target

AMAZON_ROOTS: Final = Path(__file__).with_name("amazon_roots.pem")


class ApiGatewayOutbox:
    """Outbox for one management endpoint. Its HTTP connections stay open between invocations.

    Args:
        endpoint: https://host/stage, or http:// for an emulator.
        credentials: Called for each fan-out, because the credentials of a role rotate.
        posts_per_second: Limit for all posts of this outbox together.
        context: For TLS. None: trusts only Amazon's certificate authorities.
        now: Epoch seconds, for signatures and for `until_ms`.
    """

    def __init__(
        self,
        endpoint: str,
        region: str,
        credentials: Callable[[], Credentials],
        *,
        posts_per_second: int = UNLIMITED,
        limits: Limits = LIMITS,
        context: ssl.SSLContext | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        parts = urlsplit(endpoint)
        is_tls = parts.scheme == "https"
        self._pool = ConnectionPool(
            parts.hostname or "",
            parts.port or (443 if is_tls else 80),
            (context or amazon_context()) if is_tls else None,
        )
        self._target = Target(region, parts.netloc, parts.path.rstrip("/"))
        self._credentials = credentials
        self._limits = limits
        self._now = now
        self._pace = Pace(posts_per_second, limits.connections_when_large, time.monotonic())

    def post(
        self, message: str, audience: Iterable[str], until_ms: float = float("inf")
    ) -> PostResult:
        self._pool.refresh()
        sign = partial(self._sign, message.encode())
        seconds = until_ms / 1000 - self._now()
        fan_out = FanOut(self._pool, self._pace, sign, self._limits, seconds)
        return fan_out.run(iter(audience))

    def close_connection(self, connection_id: str) -> None:
        self._pool.refresh()
        sign = partial(self._sign, b"", "DELETE")
        FanOut(self._pool, self._pace, sign, self._limits).run(iter([connection_id]))

    def close(self) -> None:
        """Close every HTTP connection to API Gateway."""
        self._pool.close()

    def _sign(self, payload: bytes, method: str = "POST") -> SignedRequestTemplate:
        credentials = self._credentials()
        return SignedRequestTemplate(self._target, credentials, payload, self._now(), method)


def amazon_context() -> ssl.SSLContext:
    """A TLS context that trusts only the certificate authorities that sign for AWS.

    Reading all authorities that a machine trusts takes as long as a thousand posts.
    """
    return ssl.create_default_context(cafile=str(AMAZON_ROOTS))
