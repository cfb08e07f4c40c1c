"""The environment of a process that uses an emulator."""

from collections.abc import MutableMapping
from typing import Final

LOOPBACK: Final = ("127.0.0.1", "localhost")


def isolate(environ: MutableMapping[str, str]) -> None:
    """Remove AWS settings, because boto3 reads a profile even if credentials are given. Keep
    loopback requests away from proxies."""
    for name in [name for name in environ if name.startswith("AWS_")]:
        del environ[name]
    environ["AWS_EC2_METADATA_DISABLED"] = "true"
    bypass_proxies(environ)


def bypass_proxies(environ: MutableMapping[str, str]) -> None:
    """Add the loopback addresses to the hosts that are reached without a proxy."""
    # urllib prefers the lower-case name.
    hosts = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if hosts.strip() != "*":
        hosts = ",".join([*filter(None, [hosts.strip(" ,")]), *LOOPBACK])
    environ["NO_PROXY"] = environ["no_proxy"] = hosts
