"""The changes that a local run makes to the configuration of a stack."""

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
    """The configuration for a local run.

    The page's own origin may connect. With authentication, PyJWT is the one for this machine.
    """
    overrides = {}
    origins_key = qualified("allowedOrigins")
    allowed = _json(config.get(origins_key, ""))
    if isinstance(allowed, list):  # otherwise the program names the mistake
        overrides[origins_key] = json.dumps([*allowed, page_origin])
    if needs_token(config):
        suffix: str = sysconfig.get_config_var("EXT_SUFFIX")
        overrides |= {
            qualified("authPackages"): PACKAGES,
            # Read by infra/emulator.py. Without this key, PyJWT must be for Lambda's platform.
            "emulator:platform": suffix.removeprefix(".").removesuffix(".so"),
        }
    return {**config, **overrides}


def allowed_origins(config: Mapping[str, str]) -> list[str]:
    """The origins that may connect, from a configuration that was deployed."""
    origins: list[str] = json.loads(config[qualified("allowedOrigins")])
    return origins


def needs_token(config: Mapping[str, str]) -> bool:
    """Whether clients need a token to connect."""
    return bool(config.get(qualified("authIssuer"), "").strip())


@contextmanager
def naming_places(places: Mapping[str, str], overridden: Collection[str] = ()) -> Iterator[None]:
    """Add to an error about a key the place where the stack's files set it.

    Args:
        places: Place of each qualified key, such as "Pulumi.dev.yaml, line 3".
        overridden: Keys whose values are not from the files.
    """
    try:
        yield
    except pulumi.RunError as error:
        # infra.config.ConfigurationError, which local/ may not import, has the key.
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
