"""CounterStore on DynamoDB: the value of one row, or the sum of several.

The rows are "global", "global#1", "global#2" and so on. A click adds to a random row of the
configured number, so that concurrent clicks conflict less. The row "global" also stores the
greatest number of rows that was ever in use. A reader reads all of these, so that no count is lost
when fewer rows are configured later.

The rows are not read at the same moment, but each only grows. So a sum contains every click that
was counted before the read started, and none that was counted after it ended. A read that starts
later never returns less.
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

from .client import (
    TRANSACTION_CANCELED,
    ignore_condition_failure,
    is_client_error,
    reason,
    to_store_error,
    translate_errors,
)

_NEVER_SENT: Final = (ConnectTimeoutError, EndpointConnectionError, NoCredentialsError)

Row = dict[str, dict[str, str]]


class DynamoCounterStore:
    """CounterStore on the counter table.

    Args:
        client: DynamoDB client configured with WITH_RETRIES.
        no_retry_client: DynamoDB client configured with NO_RETRY.
        shards: Number of rows that clicks are spread over, at least 1.
        random: Picks a row; returns at least 0 and less than 1.
        backoff: For the retries of a read that DynamoDB served only in part.
    """

    def __init__(
        self,
        table: str,
        client: Any,
        no_retry_client: Any,
        *,
        shards: int,
        random: Callable[[], float],
        backoff: Backoff,
    ) -> None:
        self._table = table
        self._client = client
        self._no_retry_client = no_retry_client
        self._shards = shards
        self._random = random
        self._backoff = backoff
        self._announced = shards == 1  # a reader without the number assumes one row
        self._in_use = shards  # the greatest number of rows that is configured or was read

    def increment(self) -> int | None:
        self._announce()
        try:
            response = self._no_retry_client.update_item(**self._add_one(), ReturnValues="ALL_NEW")
        except ClientError as failure:
            if is_client_error(failure):
                raise to_store_error("increment", reason(failure)) from failure
            raise OutcomeUnknown("increment", reason(failure)) from failure
        except _NEVER_SENT as failure:
            raise StoreUnavailable("increment", reason(failure)) from failure
        except BotoCoreError as failure:
            raise OutcomeUnknown("increment", reason(failure)) from failure
        row = response["Attributes"]
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
        with translate_errors("increment"):
            try:
                # Safe to retry: the SDK adds a ClientRequestToken, and repeats it in its retries.
                self._client.transact_write_items(
                    TransactItems=[{"Put": remember}, {"Update": self._add_one()}]
                )
            except ClientError as cancelled:
                if reason(cancelled) != TRANSACTION_CANCELED:
                    raise
                reasons = cancelled.response.get("CancellationReasons", [])
                codes = [each["Code"] for each in reasons if each["Code"] != "None"]
                # Only the put has a condition, so the op id was counted before.
                if "ConditionalCheckFailed" in codes:
                    return False
                raise to_store_error("increment", codes[0] if codes else "unknown") from cancelled
        return True

    def value(self) -> int:
        with translate_errors("reading the counter"):
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
        """Store the number of rows before the first click of this instance.

        Otherwise a reader that is configured with fewer rows would miss clicks.
        """
        if self._announced:
            return
        with translate_errors("announcing shards"), ignore_condition_failure():
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
            response = self._client.get_item(
                TableName=self._table, Key=keys[0], ConsistentRead=True
            )
            return [response["Item"]] if "Item" in response else []
        rows: list[Row] = []
        unread = {self._table: {"Keys": keys, "ConsistentRead": True}}
        for _ in self._backoff.attempts():
            response = self._client.batch_get_item(RequestItems=unread)
            rows += response["Responses"].get(self._table, [])
            if not (unread := response.get("UnprocessedKeys")):
                return rows
        raise StoreBusy("reading the counter", "UnprocessedKeys")


def _names(first: int, end: int) -> list[str]:
    return [f"{COUNTER_ROW}#{shard}" if shard else COUNTER_ROW for shard in range(first, end)]


def _value(row: Row) -> int:
    return int(row[COUNTER_VALUE]["N"]) if COUNTER_VALUE in row else 0


def _in_use(row: Row) -> int:
    return int(row[COUNTER_SHARDS]["N"]) if COUNTER_SHARDS in row else 1
