"""Reads the `emulator:` keys of a stack's configuration, which state how an emulator differs.

They are not settings of the product. `Pulumi.local.yaml` and the local run set them, and a stack on
AWS has none of them.
"""

from dataclasses import dataclass
from typing import Final, Self

import pulumi

from .config import ConfigReader

_WEB_SOCKET_BASE_URL: Final = "webSocketBaseUrl"
_PLATFORM: Final = "platform"
_CUSTOM_DOMAIN: Final = "customDomain"
_URL: Final = r"wss?://[^\s/?#]+(/[^\s?#]*)?"


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorOverrides:
    """Values that replace those of AWS. The defaults replace nothing.

    Args:
        web_socket_base_url: Where the emulator serves WebSocket APIs, as
            `{web_socket_base_url}/{API id}/{stage}`. It replaces the host in the API's endpoint,
            which does not resolve on every machine.
        platform: Platform tag of the Python that runs the function, such as
            cpython-313-x86_64-linux-gnu.
        custom_domain: Whether to create a custom domain. It works only if DNS resolves its name to
            the emulator.
    """

    web_socket_base_url: str | None = None
    platform: str | None = None
    custom_domain: bool = True

    @classmethod
    def from_config(cls) -> Self:
        """Read every `emulator:` key. Raises pulumi.RunError for a wrong or unknown one."""
        config = pulumi.Config("emulator")
        reader = ConfigReader(config)
        reader.refuse_unknown_keys(
            (_WEB_SOCKET_BASE_URL, _PLATFORM, _CUSTOM_DOMAIN),
            "Remove it from the stack's configuration.",
        )
        base_url = None
        if config.get(_WEB_SOCKET_BASE_URL):
            base_url = reader.text(
                _WEB_SOCKET_BASE_URL, _URL, "a URL such as ws://127.0.0.1:4566/path"
            ).rstrip("/")
        return cls(
            web_socket_base_url=base_url,
            platform=config.get(_PLATFORM),
            custom_domain=config.get(_CUSTOM_DOMAIN) is None or reader.flag(_CUSTOM_DOMAIN),
        )
