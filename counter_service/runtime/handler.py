"""Lambda's entry point, which connects the AWS adapters to the service."""

# ruff: noqa: E402  # the garbage collector must stop before the imports allocate anything

import gc

# Everything allocated during init lives as long as the process. Scanning it for garbage took a
# fifth of a cold start's CPU.
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
from .core.assembly import assemble
from .core.backoff import Backoff
from .core.errors import UnknownEvent
from .core.events import Message
from .core.outcome import Outcome
from .core.ports import Ports, TokenVerifier
from .core.service import CounterService
from .dynamodb.client import NO_RETRY, WITH_RETRIES
from .dynamodb.connection_store import DynamoConnectionStore
from .dynamodb.counter_store import DynamoCounterStore
from .dynamodb.lease import DynamoBroadcastLease
from .fanout.gateway import AMAZON_ROOTS, ApiGatewayOutbox
from .self_invoker import LambdaSelfInvoker
from .settings import Authentication, Settings

log = logging.getLogger(__name__)


class SystemClock:
    """The clock of this machine."""

    def now_s(self) -> int:
        return int(time.time())

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def sleep_until_ms(self, moment_ms: int) -> None:
        if (wait_ms := moment_ms - self.now_ms()) > 0:
            time.sleep(wait_ms / 1000)


def build(environ: Mapping[str, str]) -> CounterService:
    """The service on AWS. Raises SettingsError."""
    settings = Settings.from_env(environ)
    clients = AwsClients(AMAZON_ROOTS)
    dynamodb = clients.client("dynamodb", WITH_RETRIES)
    clock = SystemClock()
    # The operating system's generator, because Python's own may start in the same state in several
    # instances, which would then choose the same rows and retry in step.
    random = SystemRandom().random
    ports = Ports(
        counter=DynamoCounterStore(
            settings.counter_table,
            dynamodb,
            no_retry_client=clients.client("dynamodb", NO_RETRY),
            shards=settings.counter_shards,
            random=random,
            backoff=Backoff(clock, random),
        ),
        connections=DynamoConnectionStore(settings.connections_table, dynamodb, clock),
        lease=DynamoBroadcastLease(settings.counter_table, dynamodb),
        outbox=ApiGatewayOutbox(
            settings.management_endpoint,
            settings.region,
            clients.credentials,
            posts_per_second=settings.posts_per_second,
        ),
        self_invoker=LambdaSelfInvoker(
            settings.function_name, partial(clients.client, "lambda", WITH_RETRIES)
        ),
        clock=clock,
        random=random,
        new_owner=lambda: uuid4().hex,
    )
    return assemble(
        ports,
        Access(settings.origins, _token_verifier(settings.authentication)),
        messages_per_second=settings.clicks_per_second,
    )


def _token_verifier(authentication: Authentication | None) -> TokenVerifier | None:
    if authentication is None:
        return None
    # Imported here, because only archives with authentication contain PyJWT.
    from .auth.jwks import JwksCache
    from .auth.jwt_verifier import JwtVerifier

    keys = JwksCache(authentication.issuer, authentication.jwks_url)
    return JwtVerifier(authentication.issuer, authentication.audience, keys)


# Build at import, which is Lambda's init phase: it has a whole CPU whatever the memory setting,
# and later invocations find the clients and their connections open.
logs.configure()
try:
    service = build(os.environ)
finally:
    gc.freeze()
    gc.enable()


def handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Serve one WebSocket event.

    Returns:
        The status, which accepts or rejects a handshake, and the subprotocol of an accepted one.
        There is no body, because API Gateway drops it and emulators deliver it to the client.
    """
    started = time.perf_counter()
    try:
        parsed = events.parse(event)
    except UnknownEvent as problem:
        log.error(str(problem))
        return {"statusCode": 400}
    outcome = service.handle(parsed, _deadline_ms(context))
    log.log(
        # Only failures of the service are warnings. A client's mistakes are not ours to correct.
        logging.WARNING if outcome.is_our_failure else logging.INFO,
        outcome.action,
        extra={
            "requestId": context.aws_request_id,
            "connectionId": parsed.connection_id,
            "durationMs": round((time.perf_counter() - started) * 1000, 1),
            **_fields(outcome),
            **metrics.embedded(
                outcome,
                function=context.function_name,
                now_ms=service.clock.now_ms(),
                requested_at_ms=parsed.requested_at_ms if isinstance(parsed, Message) else None,
            ),
        },
    )
    response: dict[str, Any] = {"statusCode": outcome.status}
    if outcome.subprotocol:
        response["headers"] = {"Sec-WebSocket-Protocol": outcome.subprotocol}
    return response


def _deadline_ms(context: Any) -> float:
    """When Lambda kills this invocation, in epoch milliseconds."""
    return service.clock.now_ms() + float(context.get_remaining_time_in_millis())


def _fields(outcome: Outcome) -> dict[str, Any]:
    """The outcome's fields for the log, in camel case: counted_before becomes countedBefore."""
    values = asdict(outcome)
    values |= values.pop("deliveries")
    return {
        re.sub("_(.)", lambda match: match[1].upper(), name): value
        for name, value in values.items()
        # The action is the line's message, and the error says whether a broadcast was incomplete.
        if name not in ("action", "incomplete", "stale_rows_left")
    }
