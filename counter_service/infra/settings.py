"""The stack's configuration, read and checked once.

The keys, their types, defaults and descriptions are declared in Pulumi.yaml. Whatever is wrong
raises `pulumi.RunError` before any resource is registered: Pulumi prints its one sentence.
"""

import re
from dataclasses import dataclass
from typing import Final, NoReturn, Self

import pulumi

# Names are "<logical name>-<stack>", and IAM and Lambda names end at 64 characters.
_STACK_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,32}")
_STAGE_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_REGION: Final = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d+")

# docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
_RETENTION_DAYS: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    stack: str
    region: str
    stage_name: str
    throttle_rate: int  # requests per second
    throttle_burst: int  # requests
    memory_mb: int
    timeout_seconds: int
    log_retention_days: int

    @classmethod
    def from_config(cls, *, stack: str, config: pulumi.Config, aws: pulumi.Config) -> Self:
        """Raises pulumi.RunError naming the first key that is missing or wrong."""
        if not _STACK_NAME.fullmatch(stack):
            _wrong(f"stack name {stack!r}", "at most 32 letters, digits, hyphens and underscores")
        return cls(
            stack=stack,
            region=_region(aws),
            stage_name=_stage_name(config),
            throttle_rate=_integer(config, "throttleRate", 1, 10_000),
            throttle_burst=_integer(config, "throttleBurst", 1, 5_000),
            memory_mb=_integer(config, "memoryMb", 128, 10_240),
            timeout_seconds=_integer(config, "timeoutSeconds", 1, 28),
            log_retention_days=_retention(config),
        )

    def physical_name(self, logical_name: str) -> str:
        """The name in AWS: carries the stack, so that two stacks live in one account."""
        return f"{logical_name}-{self.stack}"


def _region(aws: pulumi.Config) -> str:
    region = aws.get("region") or ""
    if not _REGION.fullmatch(region):
        _wrong(f"aws:region {region!r}", "a region such as eu-central-1")
    return region


def _stage_name(config: pulumi.Config) -> str:
    name = _required(config, "stageName")
    if not _STAGE_NAME.fullmatch(name):
        _wrong(f"stageName {name!r}", "1 to 128 letters, digits, hyphens and underscores")
    return name


def _retention(config: pulumi.Config) -> int:
    days = _integer(config, "logRetentionDays", _RETENTION_DAYS[0], _RETENTION_DAYS[-1])
    if days not in _RETENTION_DAYS:
        _wrong(f"logRetentionDays {days}", "one of " + ", ".join(map(str, _RETENTION_DAYS)))
    return days


def _integer(config: pulumi.Config, key: str, low: int, high: int) -> int:
    text = _required(config, key)
    if not re.fullmatch(r"-?\d+", text) or not low <= int(text) <= high:
        _wrong(f"{key} {text!r}", f"a whole number from {low} to {high}")
    return int(text)


def _required(config: pulumi.Config, key: str) -> str:
    value = config.get(key)
    if value is None:
        _wrong(f"{key}", "set; Pulumi.yaml has its default, so update the Pulumi CLI")
    return value


def _wrong(what: str, expected: str) -> NoReturn:
    raise pulumi.RunError(f"Configuration: {what} is not {expected}.")
