"""The stack's configuration, read and checked once.

Pulumi.yaml declares the keys with their types, defaults and descriptions. A wrong value raises
pulumi.RunError before any resource is registered.
"""

import re
from dataclasses import dataclass
from typing import Final, Self

import pulumi

from counter_service.runtime import contract

from . import quotas
from .config import ConfigReader, fail, refuse_unknown_namespaces

# Resources are named "<logical name>-<stack>", and IAM and Lambda allow 64 characters.
_STACK_NAME: Final = r"[A-Za-z0-9_-]{1,32}"
_REGION: Final = r"[a-z]{2,4}(-[a-z]+)+-\d+"
# Prefixes of AWS China, GovCloud, the isolated regions, and the European Sovereign Cloud. They are
# rejected, because the function trusts only the roots that sign for the commercial regions
# (runtime/fanout/amazon_roots.pem).
_OTHER_PARTITIONS: Final = ("cn-", "us-gov-", "us-iso", "eu-iso", "eusc-")
# Read by provider.py, by emulator.py, and by Pulumi's engine, in this order.
_NAMESPACES: Final = ("aws", "emulator", "pulumi")
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
    """The values of all keys of Pulumi.yaml, in its order, and the stack's name and region.

    Empty text or 0 turns an optional feature off.
    """

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
    posts_per_second: int  # more than 0: without the key, half of the region's quota
    reserved_concurrency: int
    table_max_read_units: int
    table_max_write_units: int
    budget_usd: int  # a month
    # Custom domain
    domain_name: str
    hosted_zone_id: str
    # Monitoring
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
        """Read every key. Raises pulumi.RunError for the first one that is wrong or unknown."""
        _check_stack_name(stack)
        refuse_unknown_namespaces({pulumi.get_project(), *_NAMESPACES})
        reader = ConfigReader(config)
        reader.refuse_unknown_keys(KEYS, "Remove it, or use a key that Pulumi.yaml declares.")
        region = _region(aws)
        settings = cls(
            stack=stack,
            region=region,
            stage_name=reader.text(
                "stageName", _STAGE_NAME, "1 to 128 letters, digits, hyphens and underscores"
            ),
            memory_mb=reader.integer("memoryMb", 128, 10_240),
            # At least the lease of a broadcast (16 s, runtime/core/broadcast.py), and the time to
            # count before it. API Gateway stops waiting after 29 s.
            timeout_seconds=reader.integer("timeoutSeconds", 20, 28),
            log_retention_days=reader.one_of("logRetentionDays", _RETENTION_DAYS),
            website=reader.flag("website"),
            allowed_origins=reader.origins("allowedOrigins"),
            allow_localhost=reader.flag("allowLocalhost"),
            allow_missing_origin=reader.flag("allowMissingOrigin"),
            auth_issuer=reader.url("authIssuer"),
            auth_audience=reader.text("authAudience", r"\S*", "a word without spaces, or empty"),
            auth_jwks_url=reader.url("authJwksUrl"),
            auth_packages=reader.text("authPackages", r".+", "a folder"),
            throttle_rate=reader.integer("throttleRate", 1, 10_000),
            throttle_burst=reader.integer("throttleBurst", 1, 5_000),
            clicks_per_second=reader.integer("clicksPerSecond", 0, 1_000),
            counter_shards=reader.integer("counterShards", 1, contract.MAX_COUNTER_SHARDS),
            posts_per_second=reader.integer("postsPerSecond", 0, 100_000)
            or quotas.default_posts_per_second(region),
            reserved_concurrency=reader.integer("reservedConcurrency", 0, 10_000),
            table_max_read_units=reader.integer("tableMaxReadUnits", 0, 1_000_000),
            table_max_write_units=reader.integer("tableMaxWriteUnits", 0, 1_000_000),
            budget_usd=reader.integer("budgetUsd", 0, 1_000_000),
            domain_name=reader.optional_text(
                "domainName", _DOMAIN_NAME, "a domain name such as ws.example.com"
            ),
            hosted_zone_id=reader.optional_text(
                "hostedZoneId", r"Z[A-Z0-9]{1,31}", "the id of a Route 53 zone such as Z0123AB"
            ),
            alarms=reader.flag("alarms"),
            alarm_email=reader.optional_text("alarmEmail", _EMAIL, "an e-mail address"),
            dashboard=reader.flag("dashboard"),
            tracing=reader.flag("tracing"),
            access_logs=reader.flag("accessLogs"),
            account_logging_role=reader.flag("accountLoggingRole"),
            keep_data=reader.flag("keepData"),
        )
        settings._check_combinations()
        return settings

    def _check_combinations(self) -> None:
        if bool(self.auth_issuer) != bool(self.auth_audience):
            fail("authIssuer and authAudience must be set together. Set both, or neither.")
        if self.auth_jwks_url and not self.auth_issuer:
            fail("authJwksUrl requires authIssuer. Set authIssuer, or remove authJwksUrl.")
        if bool(self.domain_name) != bool(self.hosted_zone_id):
            fail("domainName and hostedZoneId must be set together. Set both, or neither.")
        if self.budget_usd and not self.alarm_email:
            fail("budgetUsd requires alarmEmail. Set alarmEmail, or set budgetUsd to 0.")


# The keys of Pulumi.yaml, from the names of the fields: throttle_rate becomes throttleRate.
KEYS: Final = frozenset(
    re.sub(r"_([a-z])", lambda match: match[1].upper(), name)
    for name in Settings.__dataclass_fields__
    if name not in ("stack", "region")
)


def _check_stack_name(stack: str) -> None:
    if not re.fullmatch(_STACK_NAME, stack):
        fail(
            f"the stack's name is {stack!r}, but must be 1 to 32 letters, digits, hyphens and "
            "underscores."
        )


def _region(aws: pulumi.Config) -> str:
    region = aws.get("region") or ""
    if not re.fullmatch(_REGION, region):
        fail(f"aws:region is {region!r}, but must be a region such as eu-central-1.", "aws:region")
    if region.startswith(_OTHER_PARTITIONS):
        fail(
            f"aws:region is {region!r}, which belongs to another partition of AWS. Use a "
            "commercial region such as eu-central-1.",
            "aws:region",
        )
    return region
