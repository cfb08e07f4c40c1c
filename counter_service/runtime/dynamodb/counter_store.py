"""CounterStore on DynamoDB: one row, or the sum of several.

The rows are "global", "global#1", "global#2" and so on. A click lands on one of as many as are
configured, so that clicks at the same moment get less into each other's way. The row "global"
says how many ever were in use: readers read these too, and no count is lost when the
configuration names fewer.

Each row is read at some moment between the beginning and the end of the reading, and only grows.
So a sum has everything that was counted before its reading began, and nothing that was not by
its end: whoever reads after another never gets less.
"""

from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
)

from counter_service.runtime.contract import (
    COUNTER_KEY,
    COUNTER_ROW,
    COUNTER_SHARDS,
    COUNTER_VALUE,
    EXPIRES_AT,
    OPERATION_ROW_PREFIX,
)
from counter_service.runtime.core.backoff import Backoff
from counter_service.runtime.core.errors import OutcomeUnknown, StoreBusy, StoreUnavailable

from .client import ignore_condition_failure, is_client_error, reason, refusal, unavailable

_NEVER_SENT: Final = (ConnectTimeoutError, EndpointConnectionError, NoCredentialsError)

Row = dict[str, dict[str, str]]


class DynamoCounterStore:
    """`client` is configured with WITH_RETRIES, `once` with NO_RETRY."""

    def __init__(
        self,
        table: str,
        client: Any,
        once: Any,
        *,
        shards: int,
        random: Callable[[], float],  # from 0 to 1, without 1
        backoff: Backoff,
    ) -> None:
        self._table = table
        self._client = client
        self._once = once
        self._shards = shards
        self._random = random
        self._backoff = backoff
        self._announced = shards == 1
        self._in_use = shards  # rows that are known to hold clicks

    def increment(self) -> int | None:
        self._announce()
        try:
            answer = self._once.update_item(**self._add_one(), ReturnValues="ALL_NEW")
        except ClientError as failure:
            if is_client_error(failure):
                raise refusal("increment", reason(failure)) from failure
            raise OutcomeUnknown("increment", reason(failure)) from failure
        except _NEVER_SENT as failure:
            raise StoreUnavailable("increment", reason(failure)) from failure
        except BotoCoreError as failure:
            raise OutcomeUnknown("increment", reason(failure)) from failure
        row = answer["Attributes"]
        return _value(row) if max(self._in_use, _in_use(row)) == 1 else None

    def increment_once(self, op_id: str, expires_at: int) -> bool:
        self._announce()
        remember = {
            "TableName": self._table,
            "Item": {
                COUNTER_KEY: {"S": f"{OPERATION_ROW_PREFIX}{op_id}"},
                EXPIRES_AT: {"N": str(expires_at)},
            },
            "ConditionExpression": "attribute_not_exists(#id)",
            "ExpressionAttributeNames": {"#id": COUNTER_KEY},
        }
        with unavailable("increment"):
            try:
                # The SDK gives the call a ClientRequestToken, the same for each time it sends it.
                self._client.transact_write_items(
                    TransactItems=[{"Put": remember}, {"Update": self._add_one()}]
                )
            except self._client.exceptions.TransactionCanceledException as cancelled:
                reasons = cancelled.response.get("CancellationReasons", [])
                codes = [each["Code"] for each in reasons if each["Code"] != "None"]
                # Of the two only the put has a condition.
                if "ConditionalCheckFailed" in codes:
                    return False
                raise refusal("increment", codes[0] if codes else "unknown") from cancelled
        return True

    def value(self) -> int:
        with unavailable("reading the counter"):
            known = self._in_use
            rows = self._read(_names(0, known))
            self._in_use = max([known, *map(_in_use, rows)])
            rows += self._read(_names(known, self._in_use))
        return sum(map(_value, rows))

    def _add_one(self) -> dict[str, Any]:
        [name] = _names(shard := int(self._random() * self._shards), shard + 1)
        return {
            "TableName": self._table,
            "Key": {COUNTER_KEY: {"S": name}},
            "UpdateExpression": "ADD #value :one",
            "ExpressionAttributeNames": {"#value": COUNTER_VALUE},
            "ExpressionAttributeValues": {":one": {"N": "1"}},
        }

    def _announce(self) -> None:
        """Say how many rows there are before a click lands on one, once for each instance: a
        reader that is configured with fewer must know."""
        if self._announced:
            return
        with unavailable("announcing shards"), ignore_condition_failure(self._client):
            self._client.update_item(
                TableName=self._table,
                Key={COUNTER_KEY: {"S": COUNTER_ROW}},
                UpdateExpression="SET #shards = :shards",
                ConditionExpression="attribute_not_exists(#shards) OR #shards < :shards",
                ExpressionAttributeNames={"#shards": COUNTER_SHARDS},
                ExpressionAttributeValues={":shards": {"N": str(self._shards)}},
            )
        self._announced = True

    def _read(self, names: list[str]) -> list[Row]:
        keys = [{COUNTER_KEY: {"S": name}} for name in names]
        if not keys:
            return []
        if len(keys) == 1:
            answer = self._client.get_item(TableName=self._table, Key=keys[0], ConsistentRead=True)
            return [answer["Item"]] if "Item" in answer else []
        rows: list[Row] = []
        waiting = {self._table: {"Keys": keys, "ConsistentRead": True}}
        for _ in self._backoff.attempts():
            answer = self._client.batch_get_item(RequestItems=waiting)
            rows += answer["Responses"].get(self._table, [])
            if not (waiting := answer.get("UnprocessedKeys")):
                return rows
        raise StoreBusy("reading the counter", "UnprocessedKeys")


def _names(first: int, end: int) -> list[str]:
    return [f"{COUNTER_ROW}#{shard}" if shard else COUNTER_ROW for shard in range(first, end)]


def _value(row: Row) -> int:
    return int(row[COUNTER_VALUE]["N"]) if COUNTER_VALUE in row else 0


def _in_use(row: Row) -> int:
    return int(row[COUNTER_SHARDS]["N"]) if COUNTER_SHARDS in row else 1
