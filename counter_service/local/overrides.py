"""What a local run changes in the configuration of a stack, and in that of its page."""

import json
import sysconfig
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import pulumi

from counter_service.program import qualified
from counter_service.toolchain import vendor

# `make vendor-auth-local` fills the folder for the Python of this machine, which runs the function.
PACKAGES: Final = vendor.FOLDERS["local"]


def with_local_overrides(config: Mapping[str, str], page_origin: str) -> dict[str, str]:
    """The configuration for a local run: the page's own origin may connect, and with authentication
    the token library is the one for this machine."""
    overrides = {}
    origins_key = qualified("allowedOrigins")
    allowed = _json(config.get(origins_key, ""))
    if isinstance(allowed, list):  # otherwise the program names the mistake
        overrides[origins_key] = json.dumps([*allowed, page_origin])
    if needs_token(config):
        suffix: str = sysconfig.get_config_var("EXT_SUFFIX")
        overrides |= {
            qualified("authPackages"): PACKAGES,
            # Read by infra/emulator.py. Without it the library must be for Lambda's platform.
            "emulator:platform": suffix.removeprefix(".").removesuffix(".so"),
        }
    return {**config, **overrides}


def page_config(config: Mapping[str, str], web_socket_url: str) -> dict[str, str]:
    """The content of /config.json for the page of a local run.

    With authentication it has a key that a deployment does not write. The page offers its token as
    a subprotocol, and a browser closes the connection if the response does not name one that was
    offered. The emulator's responses name none.
    """
    page = {"webSocketUrl": web_socket_url}
    return page | {"tokenIn": "query"} if needs_token(config) else page


def needs_token(config: Mapping[str, str]) -> bool:
    """Whether clients need a token to connect."""
    return bool(config.get(qualified("authIssuer"), "").strip())


@contextmanager
def naming_places(places: Mapping[str, str], overridden: Collection[str] = ()) -> Iterator[None]:
    """Add to the program's error about a key where the stack's files set it.

    Args:
        places: Place of each qualified key, such as "Pulumi.dev.yaml, line 3".
        overridden: Keys whose values are not from the files.
    """
    try:
        yield
    except pulumi.RunError as error:
        # The program is run from its file, so its exceptions are not imported here.
        key = getattr(error, "key", None) or ""
        if key in places and key not in overridden:
            raise pulumi.RunError(f"{places[key]}: {error}") from error
        raise


def _json(text: str) -> object:
    try:
        value: object = json.loads(text)
    except ValueError:
        return None
    return value
