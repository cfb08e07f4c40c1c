"""Checks of the AWS account, with calls that only read."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from counter_service.cli.configuration import Stack
from counter_service.infra import quotas

from . import failures
from .finding import Finding, State

CREDENTIALS: Final = "AWS credentials"
QUOTA: Final = "API Gateway quota"
CONCURRENCY: Final = "Lambda concurrency"
LOGGING_ROLE: Final = "API Gateway logging role"
SUBJECTS: Final = (CREDENTIALS, QUOTA, CONCURRENCY, LOGGING_ROLE)

# Without a network the checks end within seconds.
CONFIG: Final = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1})

# "Throttle rate": docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
QUOTA_CODE: Final = "L-8A5B8E43"
# Lambda keeps so many unreserved, or the whole limit of a new account:
# docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
UNRESERVED: Final = 100

# Returns a client of the named service.
Clients = Callable[[str], Any]


def clients_of(stack: Stack) -> Clients:
    """Clients in the stack's region, with the credentials that a deployment would use."""
    session: boto3.Session | None = None

    def client(service: str) -> Any:
        nonlocal session
        if session is None:
            profile = stack.values.get("aws:profile") or None
            session = boto3.Session(profile_name=profile, region_name=stack.settings.region)
        return session.client(service, config=CONFIG)

    return client


def findings(stack: Stack, client: Clients) -> Iterator[Finding]:
    """Check the credentials, and then with them the account."""
    if reason := _why_not_aws(stack):
        yield from unchecked(SUBJECTS, reason)
        return
    try:
        yield _credentials(stack, client("sts").get_caller_identity())
    except (BotoCoreError, ClientError) as failure:
        yield failures.finding(CREDENTIALS, failure)
        yield from unchecked(SUBJECTS[1:], "needs AWS credentials that work, and a network")
        return
    for subject, check in _CHECKS.items():
        try:
            yield check(stack, client)
        except (BotoCoreError, ClientError) as failure:
            yield failures.finding(subject, failure)


def unchecked(subjects: tuple[str, ...], reason: str) -> list[Finding]:
    """The findings of checks that were not possible."""
    return [Finding(subject, State.UNKNOWN, reason) for subject in subjects]


def _why_not_aws(stack: Stack) -> str:
    if stack.values.get("aws:endpoints"):
        return "the stack is for an emulator, which aws:endpoints names"
    if stack.values.get("aws:accessKey"):
        return "the stack has credentials of its own (aws:accessKey), which only Pulumi decrypts"
    return ""


def _credentials(stack: Stack, identity: dict[str, str]) -> Finding:
    account = identity["Account"]
    allowed = json.loads(stack.values.get("aws:allowedAccountIds") or "[]")
    if allowed and account not in map(str, allowed):
        return Finding(
            CREDENTIALS,
            State.PROBLEM,
            f"{identity['Arn']}, and the stack allows only {', '.join(map(str, allowed))}",
            "Use credentials of that account, or correct aws:allowedAccountIds.",
        )
    return Finding(CREDENTIALS, State.OK, f"account {account}, {identity['Arn']}")


def _quota(stack: Stack, client: Clients) -> Finding:
    region, posts = stack.settings.region, stack.settings.posts_per_second
    try:
        response = client("service-quotas").get_service_quota(
            ServiceCode="apigateway", QuotaCode=QUOTA_CODE
        )
        accepted = int(response["Quota"]["Value"])
    except ClientError as failure:
        if failure.response["Error"]["Code"] != "NoSuchResourceException":
            raise
        accepted = quotas.requests_per_second(region)  # never changed for this account
    found = f"{accepted:,} requests a second in {region}; postsPerSecond is {posts:,}"
    if posts <= accepted:
        return Finding(QUOTA, State.OK, found)
    return Finding(
        QUOTA,
        State.PROBLEM,
        found,
        f"Set postsPerSecond to {accepted // 2}, or have the quota raised (Service Quotas, API "
        "Gateway, Throttle rate).",
    )


def _concurrency(stack: Stack, client: Clients) -> Finding:
    limits = client("lambda").get_account_settings()["AccountLimit"]
    limit, unreserved = limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]
    kept, reserved = min(UNRESERVED, limit), stack.settings.reserved_concurrency
    found = f"{limit:,} invocations at once, {unreserved:,} of them unreserved"
    how = "Service Quotas, Lambda, Concurrent executions"
    if reserved and unreserved - reserved < kept:
        return Finding(
            CONCURRENCY,
            State.PROBLEM,
            f"{found}; reservedConcurrency is {reserved:,}, and Lambda keeps {kept} unreserved",
            f"Set reservedConcurrency to 0, or have the limit raised ({how}).",
        )
    if limit < UNRESERVED:
        return Finding(
            CONCURRENCY,
            State.PROBLEM,
            f"{found}; more clicks at the same moment are throttled",
            f"Have the limit raised to 1,000 ({how}). A demo works with it.",
        )
    return Finding(CONCURRENCY, State.OK, found)


def _logging_role(stack: Stack, client: Clients) -> Finding:
    settings = stack.settings
    if not settings.access_logs:
        return Finding(LOGGING_ROLE, State.OK, "not needed, because accessLogs is false")
    role = client("apigateway").get_account().get("cloudwatchRoleArn")
    if settings.account_logging_role:
        replaces = bool(role) and f"/api-logging-{stack.name}-" not in role
        advice = f"This stack replaces {role}, for every API of the region." if replaces else ""
        return Finding(LOGGING_ROLE, State.OK, "this stack has it (accountLoggingRole)", advice)
    if role:
        return Finding(LOGGING_ROLE, State.OK, role)
    return Finding(
        LOGGING_ROLE,
        State.PROBLEM,
        f"accessLogs is true, and the account has no role in {settings.region}",
        f"Set it in one stack of the region: pulumi config set accountLoggingRole true --stack "
        f"{stack.name}",
    )


_CHECKS: Final = {QUOTA: _quota, CONCURRENCY: _concurrency, LOGGING_ROLE: _logging_role}
