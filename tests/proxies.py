"""The environment of a person whose proxy is configured without exceptions."""

from collections.abc import Mapping
from typing import Final

DEAD_PROXY: Final = "http://127.0.0.1:9"
NAMES: Final = ("http_proxy", "https_proxy", "all_proxy")


def behind_a_dead_proxy(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` with proxy variables, in both spellings, that name a port without a server."""
    kept = {name: value for name, value in environ.items() if name.lower() != "no_proxy"}
    return kept | {spelling: DEAD_PROXY for name in NAMES for spelling in (name, name.upper())}
