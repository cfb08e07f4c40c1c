"""Lambda's entry point, and the one place where the parts are put together."""

# ruff: noqa: E402  # the collector has to stop before there is anything to look through

import gc

# What is made until the first event is here to stay. Looking through it for garbage, again and
# again, was a fifth of a cold start's CPU.
gc.disable()

import logging
import os
import re
import time
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from random import SystemRandom
from typing import Any
from uuid import uuid4

from . import logs, metrics
from .aws import AwsClients
from .core import events
from .core.access import Access
from .core.backoff import Backoff
from .core.broadcast import Broadcaster
from .core.counting import ClickCounter
from .core.errors import UnknownEvent
from .core.ports import TokenVerifier
from .core.service import CounterService, Outcome
from .dynamodb.client import NO_RETRY, WITH_RETRIES
from .dynamodb.connection_store import DynamoConnectionStore
from .dynamodb.counter_store import DynamoCounterStore
from .dynamodb.lease import DynamoBroadcastLease
from .fanout.gateway import AMAZON_ROOTS, ApiGatewayOutbox
from .self_invoker import LambdaSelfInvoker
from .settings import Authentication, Settings

log = logging.getLogger(__name__)


class SystemClock:
    def now(self) -> int:
        return int(time.time())

    def milliseconds(self) -> int:
        return time.time_ns() // 1_000_000

    def sleep_until(self, milliseconds: int) -> None:
        if (wait := milliseconds - self.milliseconds()) > 0:
            time.sleep(wait / 1000)


def build(environ: Mapping[str, str]) -> CounterService:
    """Compose the service. Raises SettingsError."""
    settings = Settings.from_env(environ)
    sdk = AwsClients(AMAZON_ROOTS)
    dynamodb = sdk.client("dynamodb", WITH_RETRIES)
    clock = SystemClock()
    # Of the operating system: instances that start from one snapshot would throw the same dice of
    # Python's own, choose the same row, and pause alike.
    dice = SystemRandom().random
    backoff = Backoff(clock, dice)
    counter = DynamoCounterStore(
        settings.counter_table,
        dynamodb,
        once=sdk.client("dynamodb", NO_RETRY),
        shards=settings.counter_shards,
        random=dice,
        backoff=backoff,
    )
    connections = DynamoConnectionStore(settings.connections_table, dynamodb)
    outbox = ApiGatewayOutbox(settings.management_endpoint, settings.region, sdk.credentials)
    return CounterService(
        counter=counter,
        connections=connections,
        outbox=outbox,
        clock=clock,
        tally=ClickCounter(counter, clock, backoff),
        broadcaster=Broadcaster(
            counter,
            connections,
            DynamoBroadcastLease(settings.counter_table, dynamodb),
            outbox,
            clock,
            LambdaSelfInvoker(settings.successor, partial(sdk.client, "lambda")),
            new_owner=lambda: uuid4().hex,
            interval_ms=settings.broadcast_interval_ms,
        ),
        access=Access(settings.origins, _token_verifier(settings.authentication)),
        clicks_per_second=settings.clicks_per_second,
    )


def _token_verifier(authentication: Authentication | None) -> TokenVerifier | None:
    if authentication is None:
        return None
    # Here, for the archive has the token library only where authentication is on.
    from .auth.jwks import JwksCache
    from .auth.jwt_verifier import JwtVerifier

    keys = JwksCache(authentication.issuer, authentication.jwks_url)
    return JwtVerifier(authentication.issuer, authentication.audience, keys)


# At import, which is Lambda's init phase: it has a whole CPU whatever the memory setting, and
# warm invocations find the clients and their connections ready.
logs.configure()
try:
    service = build(os.environ)
finally:
    gc.freeze()
    gc.enable()


def handle(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Serve one WebSocket event.

    Returns a status and no body: API Gateway drops a body, emulators deliver it. A handshake is
    refused by its status, and answered with the subprotocol that it offered.
    """
    started = time.perf_counter()
    try:
        parsed = events.parse(event)
    except UnknownEvent as problem:
        log.error(str(problem))
        return {"statusCode": 400}
    report = service.handle(parsed)
    log.log(
        _level(report),
        report.action,
        extra={
            "requestId": getattr(context, "aws_request_id", None),
            "connectionId": parsed.connection_id,
            "durationMs": round((time.perf_counter() - started) * 1000, 1),
            **_fields(report),
            **metrics.embedded(
                report,
                function=getattr(context, "function_name", "unknown"),
                now=int(time.time() * 1000),
                requested_at=events.requested_at(event),
            ),
        },
    )
    answer: dict[str, Any] = {"statusCode": report.status}
    if report.subprotocol:
        answer["headers"] = {"Sec-WebSocket-Protocol": report.subprotocol}
    return answer


def _fields(report: Outcome) -> dict[str, Any]:
    """In the log's spelling: counted_before is countedBefore. The action is the line's message."""
    return {
        re.sub("_(.)", lambda match: match[1].upper(), name): value
        for name, value in asdict(report).items()
        if name != "action"
    }


def _level(report: Outcome) -> int:
    # A client's mistake is its own affair; ours and DynamoDB's are worth an alarm.
    return logging.WARNING if report.is_our_failure else logging.INFO
