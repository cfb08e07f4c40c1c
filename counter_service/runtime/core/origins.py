"""Decides by the Origin header which pages may connect.

A browser lets any page open a WebSocket to any server, and names the page's origin in the Origin
header (RFC 6455, 10.2). The check keeps out foreign pages. It does not keep out programs, because a
program can send any header.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# An origin as browsers serialize it (RFC 6454, 6.2): scheme, host, and a port if it is not the
# scheme's default. No user, path, query or fragment.
_ORIGIN: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[^\s\x00-\x20/\\?#@:,\[\]]+)"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?",
    re.IGNORECASE | re.ASCII,
)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_LOCALHOST: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})

# Sandboxed frames and file: pages send this.
_OPAQUE: Final = "null"


class OriginProblem(StrEnum):
    """Why a handshake is rejected, for the log."""

    MISSING = "missing-origin"
    FOREIGN = "foreign-origin"


@dataclass(frozen=True, slots=True, kw_only=True)
class OriginPolicy:
    """Accepts exactly the `allowed` origins, and those that the two flags add."""

    allowed: frozenset[str] = frozenset()  # normalised
    allow_localhost: bool = False
    allow_missing: bool = False

    def check(self, origin: str | None) -> OriginProblem | None:
        """None if a handshake with this Origin header, or without one, is accepted."""
        if origin is None or origin == _OPAQUE:
            return None if self.allow_missing else OriginProblem.MISSING
        normal = normalise(origin)
        if normal is None:
            return OriginProblem.FOREIGN
        if normal in self.allowed or (self.allow_localhost and _host(normal) in _LOCALHOST):
            return None
        return OriginProblem.FOREIGN


def normalise(origin: str) -> str | None:
    """Scheme and host in lower case, without the scheme's default port.

    Returns None if it is not an http(s) origin. A trailing dot is kept, and so is a host that is
    not ASCII, because browsers send punycode.
    """
    found = _ORIGIN.fullmatch(origin)
    if not found:
        return None
    scheme = found["scheme"].lower()
    # lower() could turn a foreign host that is not ASCII into an allowed one: the Kelvin sign
    # becomes a k.
    host = found["host"].lower() if found["host"].isascii() else found["host"]
    port = int(found["port"]) if found["port"] else _DEFAULT_PORTS[scheme]
    if port > 65_535:
        return None
    return f"{scheme}://{host}" + ("" if port == _DEFAULT_PORTS[scheme] else f":{port}")


def _host(normal: str) -> str:
    host = normal.partition("://")[2]
    return host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]
