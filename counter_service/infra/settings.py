"""The stack's configuration, read and checked once.

The keys, their types, defaults and descriptions are declared in Pulumi.yaml. Whatever is wrong
raises `pulumi.RunError` before any resource is registered.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

import pulumi

from counter_service.runtime import contract

from . import config as read

# Names are "<logical name>-<stack>", and IAM and Lambda names end at 64 characters.
_STACK_NAME: Final = r"[A-Za-z0-9_-]{1,32}"
_REGION: Final = r"[a-z]{2,4}(-[a-z]+)+-\d+"
_STAGE_NAME: Final = r"[A-Za-z0-9_-]{1,128}"
_DOMAIN_NAME: Final = r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
_EMAIL: Final = r"[^@\s]+@[^@\s]+\.[^@\s]+"

# docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_RETENTION_DAYS: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every key of Pulumi.yaml, in its order. Empty text and 0 mean "off" where a key is opt-in."""

    stack: str
    region: str
    stage_name: str
    memory_mb: int
    timeout_seconds: int
    log_retention_days: int
    # Site
    website: bool
    # Who may connect
    allowed_origins: tuple[str, ...]  # normalised
    allow_localhost: bool
    allow_missing_origin: bool
    auth_issuer: str  # URL without a trailing slash
    auth_audience: str
    auth_jwks_url: str
    auth_packages: str  # folder
    # Limits
    throttle_rate: int  # requests per second
    throttle_burst: int  # requests
    clicks_per_second: int
    counter_shards: int
    broadcast_interval_ms: int
    reserved_concurrency: int
    table_max_read_units: int
    table_max_write_units: int
    budget_usd: int  # a month
    # Custom domain
    domain_name: str
    hosted_zone_id: str
    # Watching
    alarms: bool
    alarm_email: str
    dashboard: bool
    tracing: bool
    access_logs: bool
    account_logging_role: bool
    # Data
    keep_data: bool

    @classmethod
    def from_config(cls, *, stack: str, config: pulumi.Config, aws: pulumi.Config) -> Self:
        """Raises pulumi.RunError naming the first key that is missing, wrong or unknown."""
        if not re.fullmatch(_STACK_NAME, stack):
            read.wrong(
                f"stack name {stack!r}", "at most 32 letters, digits, hyphens and underscores"
            )
        read.refuse_unknown_keys(config.name, KEYS)
        settings = cls(
            stack=stack,
            region=_region(aws),
            stage_name=read.text(
                config, "stageName", _STAGE_NAME, "1 to 128 letters, digits, hyphens, underscores"
            ),
            memory_mb=read.integer(config, "memoryMb", 128, 10_240),
            # A tenure, one more fan-out and an interval (runtime.broadcast, runtime.fan_out).
            timeout_seconds=read.integer(config, "timeoutSeconds", 20, 28),
            log_retention_days=read.one_of(config, "logRetentionDays", _RETENTION_DAYS),
            website=read.flag(config, "website"),
            allowed_origins=read.origins(config, "allowedOrigins"),
            allow_localhost=read.flag(config, "allowLocalhost"),
            allow_missing_origin=read.flag(config, "allowMissingOrigin"),
            auth_issuer=read.url(config, "authIssuer"),
            auth_audience=read.text(config, "authAudience", r"\S*", "a word without spaces"),
            auth_jwks_url=read.url(config, "authJwksUrl"),
            auth_packages=read.text(config, "authPackages", r".+", "a folder"),
            throttle_rate=read.integer(config, "throttleRate", 1, 10_000),
            throttle_burst=read.integer(config, "throttleBurst", 1, 5_000),
            clicks_per_second=read.integer(config, "clicksPerSecond", 0, 1_000),
            counter_shards=read.integer(config, "counterShards", 1, contract.MAX_COUNTER_SHARDS),
            broadcast_interval_ms=read.integer(config, "broadcastIntervalMs", 0, 1_000),
            reserved_concurrency=read.integer(config, "reservedConcurrency", 0, 10_000),
            table_max_read_units=read.integer(config, "tableMaxReadUnits", 0, 1_000_000),
            table_max_write_units=read.integer(config, "tableMaxWriteUnits", 0, 1_000_000),
            budget_usd=read.integer(config, "budgetUsd", 0, 1_000_000),
            domain_name=_optional(config, "domainName", _DOMAIN_NAME, "such as ws.example.com"),
            hosted_zone_id=_optional(config, "hostedZoneId", r"Z[A-Z0-9]{1,31}", "such as Z0123AB"),
            alarms=read.flag(config, "alarms"),
            alarm_email=_optional(config, "alarmEmail", _EMAIL, "an e-mail address"),
            dashboard=read.flag(config, "dashboard"),
            tracing=read.flag(config, "tracing"),
            access_logs=read.flag(config, "accessLogs"),
            account_logging_role=read.flag(config, "accountLoggingRole"),
            keep_data=read.flag(config, "keepData"),
        )
        settings._check_what_belongs_together()
        return settings

    def physical_name(self, logical_name: str) -> str:
        """The name in AWS: carries the stack, so that two stacks live in one account.

        Fixed rather than suffixed at random, so that no name changes under a table that holds data
        and the function's log group can be declared before the function.
        """
        return f"{logical_name}-{self.stack}"

    @property
    def auth(self) -> bool:
        return bool(self.auth_issuer)

    def _check_what_belongs_together(self) -> None:
        if bool(self.auth_issuer) != bool(self.auth_audience):
            read.wrong("authIssuer without authAudience", "enough: set both or neither")
        if self.auth_jwks_url and not self.auth_issuer:
            read.wrong("authJwksUrl without authIssuer", "enough: set both or neither")
        if bool(self.domain_name) != bool(self.hosted_zone_id):
            read.wrong("domainName without hostedZoneId", "enough: set both or neither")
        if self.budget_usd and not self.alarm_email:
            read.wrong("budgetUsd without alarmEmail", "enough: a budget has somebody to tell")


# The names as Pulumi.yaml spells them: throttle_rate is throttleRate.
KEYS: Final = frozenset(
    re.sub(r"_([a-z])", lambda match: match[1].upper(), name)
    for name in Settings.__dataclass_fields__
    if name not in ("stack", "region")
)


def _region(aws: pulumi.Config) -> str:
    region = aws.get("region") or ""
    if not re.fullmatch(_REGION, region):
        read.wrong(f"aws:region {region!r}", "a region such as eu-central-1")
    return region


def _optional(config: pulumi.Config, key: str, pattern: str, expected: str) -> str:
    return read.text(config, key, rf"({pattern})?", expected)
