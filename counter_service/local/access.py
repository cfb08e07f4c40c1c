"""What a local run changes in a stack's configuration, so that its page may connect."""

import json
import sysconfig
from collections.abc import Mapping
from typing import Final

from counter_service.program import qualified
from counter_service.toolchain import vendor

# Filled by make vendor-here: the emulator runs functions on this machine's Python.
PACKAGES: Final = vendor.FOLDERS["here"]


def for_here(config: Mapping[str, str], page_origin: str) -> dict[str, str]:
    """The configuration, with the page's own origin allowed and the packages for this machine."""
    here = {}
    origins_key = qualified("allowedOrigins")
    allowed = _json(config.get(origins_key, ""))
    if isinstance(allowed, list):  # else it is wrong, which the program says best
        here[origins_key] = json.dumps([*allowed, page_origin])
    if needs_token(config):
        suffix: str = sysconfig.get_config_var("EXT_SUFFIX")
        here |= {
            qualified("authPackages"): PACKAGES,
            # Read by infra/packages.py, which otherwise wants the packages of Lambda's platform.
            "emulator:platform": suffix.removeprefix(".").removesuffix(".so"),
        }
    return {**config, **here}


def needs_token(config: Mapping[str, str]) -> bool:
    return bool(config.get(qualified("authIssuer"), "").strip())


def _json(text: str) -> object:
    try:
        value: object = json.loads(text)
    except ValueError:
        return None
    return value
