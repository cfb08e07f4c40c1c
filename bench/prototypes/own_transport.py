"""DynamoDB over `http.client` with our own signature: what an increment needs, and no more.

No retries, no errors, no timeouts worth the name: it shows what a start would cost without the
SDK (docs/adr/0014-dynamodb-over-our-own-transport.md). The rest is the product's own code.
"""

import hmac
import http.client
import json
import os
import random
import ssl
from collections.abc import Iterator, Mapping
from hashlib import sha256
from time import gmtime, strftime, time, time_ns
from typing import Any
from urllib.parse import urlsplit

from counter_service.runtime import logs
from counter_service.runtime.core import events
from counter_service.runtime.core.access import Access
from counter_service.runtime.core.backoff import Backoff
from counter_service.runtime.core.broadcast import Broadcaster
from counter_service.runtime.core.counting import ClickCounter
from counter_service.runtime.core.service import CounterService
from counter_service.runtime.fanout.gateway import ApiGatewayOutbox, amazon_context
from counter_service.runtime.fanout.signing import Credentials
from counter_service.runtime.settings import Settings

Row = dict[str, Any]


class DynamoDB:
    """One kept connection to the regional endpoint."""

    def __init__(
        self, endpoint: str, region: str, credentials: Credentials, context: ssl.SSLContext
    ) -> None:
        parts = urlsplit(endpoint)
        self._host, self._region, self._credentials = parts.netloc, region, credentials
        self._connection = http.client.HTTPSConnection(parts.netloc, context=context, timeout=2)

    def call(self, operation: str, request: Row) -> Row:
        body = json.dumps(request).encode()
        headers = self._signed(f"DynamoDB_20120810.{operation}", body)
        self._connection.request("POST", "/", body, headers)
        with self._connection.getresponse() as answer:
            content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{operation}: {answer.status} {content[:200]!r}")
        row: Row = json.loads(content)
        return row

    def _signed(self, target: str, body: bytes) -> dict[str, str]:
        moment = strftime("%Y%m%dT%H%M%SZ", gmtime())
        scope = f"{moment[:8]}/{self._region}/dynamodb/aws4_request"
        headers = {"host": self._host, "x-amz-date": moment, "x-amz-target": target}
        if self._credentials.token:
            headers["x-amz-security-token"] = self._credentials.token
        names = ";".join(sorted(headers))
        canonical = "\n".join(
            [
                *("POST", "/", ""),
                *(f"{name}:{headers[name]}" for name in sorted(headers)),
                *("", names, sha256(body).hexdigest()),
            ]
        )
        hashed = sha256(canonical.encode()).hexdigest()
        key = b"AWS4" + self._credentials.secret_key.encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        to_sign = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashed}"
        signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
        return headers | {
            "content-type": "application/x-amz-json-1.0",
            "authorization": (
                f"AWS4-HMAC-SHA256 Credential={self._credentials.access_key}/{scope}, "
                f"SignedHeaders={names}, Signature={signature}"
            ),
        }


class Stores:
    """Counter, connections and lease: the calls of an increment that nobody disturbs."""

    def __init__(self, dynamodb: DynamoDB, settings: Settings) -> None:
        self._dynamodb, self._settings = dynamodb, settings

    def increment(self) -> int:
        return int(self._update("global", "ADD #value :one", {":one": {"N": "1"}})["value"]["N"])

    def value(self) -> int:
        request = {
            "TableName": self._settings.counter_table,
            "Key": {"id": {"S": "global"}},
            "ConsistentRead": True,
        }
        return int(self._dynamodb.call("GetItem", request)["Item"]["value"]["N"])

    def audience(self, now: int) -> Iterator[str]:
        request = {
            "TableName": self._settings.connections_table,
            "ConsistentRead": True,
            "ProjectionExpression": "connectionId",
            "FilterExpression": "expiresAt > :now",
            "ExpressionAttributeValues": {":now": {"N": str(now)}},
        }
        for row in self._dynamodb.call("Scan", request)["Items"]:
            yield row["connectionId"]["S"]

    def request(self, owner: str, now: int, until: int) -> int | None:
        row = self._update(
            "lease",
            "ADD ticket :one SET broadcaster = if_not_exists(broadcaster, :me), "
            "leaseUntil = if_not_exists(leaseUntil, :until)",
            {":one": {"N": "1"}, ":me": {"S": owner}, ":until": {"N": str(until)}},
        )
        return int(row["ticket"]["N"]) if row["broadcaster"]["S"] == owner else None

    def release(self, owner: str, ticket: int, until: int) -> int | None:
        self._update(
            "lease",
            "REMOVE broadcaster, leaseUntil",
            {":me": {"S": owner}, ":ticket": {"N": str(ticket)}},
            "broadcaster = :me AND ticket = :ticket",
        )
        return None

    def _update(self, row: str, expression: str, values: Row, condition: str | None = None) -> Row:
        request: Row = {
            "TableName": self._settings.counter_table,
            "Key": {"id": {"S": row}},
            "UpdateExpression": expression,
            "ExpressionAttributeValues": values,
            "ReturnValues": "ALL_NEW",
        }
        if "#value" in expression:
            request["ExpressionAttributeNames"] = {"#value": "value"}
        if condition:
            request["ConditionExpression"] = condition
        attributes: Row = self._dynamodb.call("UpdateItem", request)["Attributes"]
        return attributes


class SystemClock:
    def now(self) -> int:
        return int(time())

    def milliseconds(self) -> int:
        return time_ns() // 1_000_000

    def sleep_until(self, milliseconds: int) -> None:
        """Nobody asks for an interval here."""


def build(environ: Mapping[str, str]) -> CounterService:
    settings = Settings.from_env(environ)
    credentials = Credentials(
        environ["AWS_ACCESS_KEY_ID"],
        environ["AWS_SECRET_ACCESS_KEY"],
        environ.get("AWS_SESSION_TOKEN"),
    )
    context = amazon_context()
    dynamodb = DynamoDB(environ["AWS_ENDPOINT_URL_DYNAMODB"], settings.region, credentials, context)
    stores: Any = Stores(dynamodb, settings)
    outbox = ApiGatewayOutbox(
        settings.management_endpoint, settings.region, lambda: credentials, context=context
    )
    clock = SystemClock()
    broadcaster = Broadcaster(
        stores, stores, stores, outbox, clock, stores, new_owner=lambda: os.urandom(16).hex()
    )
    tally = ClickCounter(stores, clock, Backoff(clock, random.random))
    return CounterService(
        stores, stores, outbox, clock, Access(settings.origins), tally, broadcaster
    )


logs.configure()
service = build(os.environ)


def handle(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    return {"statusCode": service.handle(events.parse(event)).status}
