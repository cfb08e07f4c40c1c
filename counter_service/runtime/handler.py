"""Lambda's entry point, and the one place where the parts are put together."""

import logging
import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import boto3

from . import events, logs, metrics
from .dynamodb import ONCE, RETRYING, DynamoConnectionStore, DynamoCounterStore
from .errors import UnknownEvent
from .management import POSTING, ManagementOutbox
from .service import CounterService, Report
from .settings import Settings

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
    )


# At import, which is Lambda's init phase: it has a whole CPU whatever the memory setting, and
# warm invocations find the clients and their connections ready.
logs.configure()
service = build(os.environ)


def handle(event: Mapping[str, Any], context: object) -> dict[str, int]:
    """Serve one WebSocket event.

    Returns a status and no body: API Gateway drops a body, emulators deliver it.
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
    return {"statusCode": 200}


def _level(report: Report) -> int:
    # A client's mistake is its own affair; ours and DynamoDB's are worth an alarm.
    return logging.WARNING if report.error and report.action != "invalid" else logging.INFO
