"""What a local run changes in the configuration of a stack."""

import json
import sysconfig
from collections.abc import Mapping
from typing import Final

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


def allowed_origins(config: Mapping[str, str]) -> list[str]:
    """The origins that may connect, of a configuration that was deployed."""
    origins: list[str] = json.loads(config[qualified("allowedOrigins")])
    return origins


def needs_token(config: Mapping[str, str]) -> bool:
    """Whether clients need a token to connect."""
    return bool(config.get(qualified("authIssuer"), "").strip())


def _json(text: str) -> object:
    try:
        value: object = json.loads(text)
    except ValueError:
        return None
    return value
