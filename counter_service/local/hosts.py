"""The host names by which the local site may be reached.

The owner of a foreign page can make the page's host name resolve to this machine (DNS rebinding).
The browser then treats the page and the site as one origin, and only the Host header shows the
foreign name.
"""

import socket
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

_LOCALHOST: Final = "localhost"


@dataclass(frozen=True, slots=True)
class Hosts:
    """The trusted host names: those in `names`, IP addresses and localhost.

    No foreign page can have an IP address or localhost as its host name.

    Args:
        names: In lower case.
    """

    names: frozenset[str] = frozenset()

    def trusts(self, host: str) -> bool:
        """Whether the Host header is an IP address, localhost, or one of the names."""
        name = _name(f"//{host}")
        return (
            _is_address(name)
            or name == _LOCALHOST
            or name.endswith(f".{_LOCALHOST}")
            or name in self.names
        )


def of_this_machine(host: str, allowed_origins: list[str]) -> Hosts:
    """The names of this machine, the HOST option, and the hosts of origins that may connect."""
    names = {host, socket.gethostname(), *map(_name, allowed_origins)}
    return Hosts(frozenset(name.lower() for name in names))


def is_same_origin(origin: str, host: str) -> bool:
    """Whether a page of this origin was loaded from this host.

    The scheme may differ, because a port forwarder may add TLS.
    """
    return origin.partition("://")[2].lower() == host.lower() != ""


def _name(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # such as an incomplete IPv6 address
        return ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
