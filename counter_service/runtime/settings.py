"""The function's settings, from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from .contract import (
    ENV_ALLOW_LOCALHOST,
    ENV_ALLOW_MISSING_ORIGIN,
    ENV_ALLOWED_ORIGINS,
    ENV_AUTH_AUDIENCE,
    ENV_AUTH_ISSUER,
    ENV_AUTH_JWKS_URL,
    ENV_CLICKS_PER_SECOND,
    ENV_CONNECTIONS_TABLE,
    ENV_COUNTER_SHARDS,
    ENV_COUNTER_TABLE,
    ENV_MANAGEMENT_ENDPOINT,
    ENV_POSTS_PER_SECOND,
)
from .core.errors import SettingsError
from .core.origins import OriginPolicy, normalise

# Half of API Gateway's smallest default quota.
DEFAULT_POSTS_PER_SECOND: Final = 1_250


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """Which tokens clients need."""

    issuer: str  # https URL without a trailing slash
    audience: str
    jwks_url: str | None  # None: taken from the issuer's discovery document


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment of the function, parsed once for each process."""

    connections_table: str
    counter_table: str
    counter_shards: int  # rows that clicks are spread over, at least 1
    # https://{api}.execute-api.{region}.amazonaws.com/{stage}, which serves @connections. The
    # event's domainName is another host if there is a custom domain.
    management_endpoint: str
    origins: OriginPolicy
    authentication: Authentication | None
    # Set by Lambda.
    region: str
    function_name: str
    posts_per_second: int  # at least 1
    clicks_per_second: int  # 0: no limit

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Parse an environment. Raises SettingsError for the first variable that is wrong."""
        endpoint = _required(environ, ENV_MANAGEMENT_ENDPOINT)
        if not endpoint.startswith(("https://", "http://")):
            raise SettingsError(ENV_MANAGEMENT_ENDPOINT, f"is not an http(s) URL: {endpoint!r}")
        return cls(
            connections_table=_required(environ, ENV_CONNECTIONS_TABLE),
            counter_table=_required(environ, ENV_COUNTER_TABLE),
            counter_shards=_count(environ, ENV_COUNTER_SHARDS) or 1,
            management_endpoint=endpoint,
            origins=OriginPolicy(
                allowed=_origins(environ, ENV_ALLOWED_ORIGINS),
                allow_localhost=_flag(environ, ENV_ALLOW_LOCALHOST),
                allow_missing=_flag(environ, ENV_ALLOW_MISSING_ORIGIN),
            ),
            authentication=_authentication(environ),
            region=_required(environ, "AWS_REGION"),
            function_name=_required(environ, "AWS_LAMBDA_FUNCTION_NAME"),
            posts_per_second=_count(environ, ENV_POSTS_PER_SECOND) or DEFAULT_POSTS_PER_SECOND,
            clicks_per_second=_count(environ, ENV_CLICKS_PER_SECOND),
        )


def _authentication(environ: Mapping[str, str]) -> Authentication | None:
    if not _optional(environ, ENV_AUTH_ISSUER):
        return None
    return Authentication(
        issuer=_https(environ, ENV_AUTH_ISSUER).rstrip("/"),
        audience=_required(environ, ENV_AUTH_AUDIENCE),
        jwks_url=_https(environ, ENV_AUTH_JWKS_URL) or None,
    )


def _origins(environ: Mapping[str, str], name: str) -> frozenset[str]:
    allowed = set()
    for entry in filter(None, map(str.strip, _optional(environ, name).split(","))):
        normal = normalise(entry)
        if normal is None:
            raise SettingsError(name, f"has {entry!r}, which is not an origin")
        allowed.add(normal)
    return frozenset(allowed)


def _flag(environ: Mapping[str, str], name: str) -> bool:
    value = _optional(environ, name)
    if value not in ("", "true", "false"):
        raise SettingsError(name, f"is neither true nor false: {value!r}")
    return value == "true"


def _count(environ: Mapping[str, str], name: str) -> int:
    value = _optional(environ, name) or "0"
    if not (value.isascii() and value.isdecimal()):
        raise SettingsError(name, f"is not a whole number: {value!r}")
    return int(value)


def _https(environ: Mapping[str, str], name: str) -> str:
    value = _optional(environ, name)
    if value and not value.startswith("https://"):
        raise SettingsError(name, f"is not an https URL: {value!r}")
    return value


def _optional(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name, "").strip()


def _required(environ: Mapping[str, str], name: str) -> str:
    value = _optional(environ, name)
    if not value:
        raise SettingsError(name, "is not set")
    return value
