"""The function's environment, read once."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from .contract import ENV_CONNECTIONS_TABLE, ENV_COUNTER_TABLE, ENV_MANAGEMENT_ENDPOINT
from .errors import SettingsError


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    connections_table: str
    counter_table: str
    # https://{api}.execute-api.{region}.amazonaws.com/{stage}, where @connections is served.
    # Never from the event's domainName: with a custom domain that is another host.
    management_endpoint: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Raises SettingsError naming the first variable that is missing or wrong."""
        endpoint = _required(environ, ENV_MANAGEMENT_ENDPOINT)
        if not endpoint.startswith(("https://", "http://")):
            raise SettingsError(ENV_MANAGEMENT_ENDPOINT, f"is not an http(s) URL: {endpoint!r}")
        return cls(
            connections_table=_required(environ, ENV_CONNECTIONS_TABLE),
            counter_table=_required(environ, ENV_COUNTER_TABLE),
            management_endpoint=endpoint,
        )


def _required(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise SettingsError(name, "is not set")
    return value
