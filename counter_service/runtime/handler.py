"""Lambda's entry point, and the one place where the parts are put together."""

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import boto3

from . import events, logs, metrics
from .access import Access
from .dynamodb import ONCE, RETRYING, DynamoConnectionStore, DynamoCounterStore
from .errors import UnknownEvent
from .management import POSTING, ManagementOutbox
from .ports import TokenVerifier
from .service import CounterService, Report
from .settings import Authentication, Settings

log = logging.getLogger(__name__)


class SystemClock:
    def now(self) -> int:
        return int(time.time())


def build(environ: Mapping[str, str]) -> CounterService:
    """Compose the service. Raises SettingsError."""
    settings = Settings.from_env(environ)
    session = boto3.Session()
    dynamodb = session.client("dynamodb", config=RETRYING)
    management = session.client(
        "apigatewaymanagementapi", endpoint_url=settings.management_endpoint, config=POSTING
    )
    return CounterService(
        counter=DynamoCounterStore(
            settings.counter_table, dynamodb, once=session.client("dynamodb", config=ONCE)
        ),
        connections=DynamoConnectionStore(settings.connections_table, dynamodb),
        outbox=ManagementOutbox(management),
        clock=SystemClock(),
        access=Access(settings.origins, _token_verifier(settings.authentication)),
        clicks_per_second=settings.clicks_per_second,
    )


def _token_verifier(authentication: Authentication | None) -> TokenVerifier | None:
    if authentication is None:
        return None
    # Here, for the archive has the token library only where authentication is on.
    from .keys import IssuerKeys
    from .tokens import JwtVerifier

    keys = IssuerKeys(authentication.issuer, authentication.jwks_url)
    return JwtVerifier(authentication.issuer, authentication.audience, keys)


# At import, which is Lambda's init phase: it has a whole CPU whatever the memory setting, and
# warm invocations find the clients and their connections ready.
logs.configure()
service = build(os.environ)


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
            **{key: value for key, value in asdict(report).items() if key != "action"},
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


def _level(report: Report) -> int:
    # A client's mistake is its own affair; ours and DynamoDB's are worth an alarm.
    return logging.WARNING if report.is_our_failure else logging.INFO
