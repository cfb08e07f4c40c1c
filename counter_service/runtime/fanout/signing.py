"""Signature version 4 for requests to .../@connections/{id}.

The key is derived once per day. The parts that all requests share (payload hash, headers) are
computed once, so that each request costs one hash and one HMAC. The result is equal to botocore's,
byte for byte (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html).
"""

import hmac
import re
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from time import gmtime, strftime
from typing import Final
from urllib.parse import quote

ALGORITHM: Final = "AWS4-HMAC-SHA256"
SERVICE: Final = "execute-api"

_PLAIN_ID: Final = re.compile(r"[A-Za-z0-9_-]*=*")


@dataclass(frozen=True, slots=True)
class Credentials:
    """AWS credentials of the function's role. Their repr shows no secret."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(repr=False)  # temporary credentials have one


@dataclass(frozen=True, slots=True)
class Target:
    """The stage that posts are sent to: https://`host``base_path`/@connections/{id}."""

    region: str
    host: str  # as in the Host header: with the port if it is not the scheme's default
    base_path: str  # "/prod"


class SignedRequestTemplate:
    """Signed requests that send one payload to many connections.

    A request may be sent again within the five minutes of clock skew that AWS allows.
    """

    __slots__ = (
        "_after_id",
        "_before_id",
        "_before_signature",
        "_canonical",
        "_hmac",
        "_payload",
    )

    def __init__(
        self,
        target: Target,
        credentials: Credentials,
        payload: bytes,
        epoch_seconds: float,
        method: str,
    ) -> None:
        moment = strftime("%Y%m%dT%H%M%SZ", gmtime(epoch_seconds))
        day = moment[:8]
        scope = f"{day}/{target.region}/{SERVICE}/aws4_request"
        headers = {"host": target.host, "x-amz-date": moment}
        if credentials.token:
            headers["x-amz-security-token"] = credentials.token
        signed = ";".join(headers)

        # In the canonical request the path is encoded once more than on the wire.
        self._canonical = sha256(
            f"{method}\n{quote(target.base_path, safe='/~')}/%40connections/".encode()
        )
        canonical_headers = "".join(f"{name}:{value}\n" for name, value in headers.items())
        self._after_id = (
            f"\n\n{canonical_headers}\n{signed}\n{sha256(payload).hexdigest()}".encode()
        )
        self._hmac = _Hmac(
            _signing_key(credentials.secret_key, day, target.region),
            f"{ALGORITHM}\n{moment}\n{scope}\n".encode("ascii"),
        )

        self._before_id = f"{method} {target.base_path}/@connections/".encode()
        wire_headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._before_signature = (
            f" HTTP/1.1\r\n{wire_headers}content-length: {len(payload)}\r\n"
            f"authorization: {ALGORITHM} Credential={credentials.access_key}/{scope}, "
            f"SignedHeaders={signed}, Signature="
        ).encode()
        self._payload = b"\r\n\r\n" + payload

    def request(self, connection_id: str) -> bytes:
        """The complete HTTP/1.1 request for one connection."""
        # A fast path for API Gateway's usual ids: quote() costs as much as the rest of a request.
        is_plain = _PLAIN_ID.fullmatch(connection_id)
        quoted = connection_id.replace("=", "%3D") if is_plain else quote(connection_id, safe="")
        segment = quoted.encode()
        canonical = self._canonical.copy()
        canonical.update(segment.replace(b"%", b"%25"))
        canonical.update(self._after_id)
        signature = self._hmac.hexdigest(canonical.hexdigest().encode()).encode()
        return b"".join(
            (self._before_id, segment, self._before_signature, signature, self._payload)
        )


class _Hmac:
    """HMAC-SHA256 (RFC 2104) of messages with the same beginning, which is hashed only once.

    Args:
        key: At most 64 bytes, the block of SHA-256.
        start: The beginning of every message.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes, start: bytes) -> None:
        block = key.ljust(64, b"\0")
        self._inner = sha256(bytes(byte ^ 0x36 for byte in block) + start)
        self._outer = sha256(bytes(byte ^ 0x5C for byte in block))

    def hexdigest(self, rest: bytes) -> str:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(rest)
        outer.update(inner.digest())
        return outer.hexdigest()


@lru_cache(maxsize=4)
def _signing_key(secret_key: str, day: str, region: str) -> bytes:
    key = b"AWS4" + secret_key.encode()
    for part in (day, region, SERVICE, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
