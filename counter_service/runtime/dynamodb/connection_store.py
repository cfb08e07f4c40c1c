"""ConnectionStore on DynamoDB."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from botocore.exceptions import ClientError

from counter_service.runtime.contract import (
    CLICK_SECOND,
    CLICKS,
    CONNECTED_AT,
    CONNECTION_KEY,
    EXPIRES_AT,
)
from counter_service.runtime.core.errors import StoreUnavailable
from counter_service.runtime.core.ports import Clock, Connection

from .client import CONDITION_FAILED, ignore_condition_failure, reason, translate_errors

LISTING: Final = "listing the audience"
# Concurrent requests. botocore's pool has ten connections.
THREADS: Final = 8
LONGEST_PAGE_SECONDS: Final = 60.0  # for a listing without a deadline

_CLICK_NAMES: Final = {"#id": CONNECTION_KEY, "#second": CLICK_SECOND, "#clicks": CLICKS}
_ROW_EXISTS: Final = "attribute_exists(#id)"
_SECOND_HAS_STARTED: Final = "#second >= :second"
_SECOND_HAS_NOT_STARTED: Final = "(attribute_not_exists(#second) OR #second < :second)"
_LIMIT_NOT_REACHED: Final = "#clicks < :limit"


class DynamoConnectionStore:
    """ConnectionStore on the connections table, with a client configured with WITH_RETRIES."""

    def __init__(self, table: str, client: Any, clock: Clock) -> None:
        self._table = table
        self._client = client
        self._clock = clock
        self._threads = ThreadPoolExecutor(THREADS)  # a thread starts when it is first needed

    def put(self, connection: Connection) -> None:
        with translate_errors("recording a connection"), ignore_condition_failure():
            self._client.put_item(
                TableName=self._table,
                Item={
                    CONNECTION_KEY: {"S": connection.id},
                    CONNECTED_AT: {"N": str(connection.connected_at)},
                    EXPIRES_AT: {"N": str(connection.expires_at)},
                },
                ConditionExpression="attribute_not_exists(#id)",
                ExpressionAttributeNames={"#id": CONNECTION_KEY},
            )

    def remove(self, connection_id: str) -> None:
        with translate_errors("deleting a connection"):
            self._client.delete_item(
                TableName=self._table, Key={CONNECTION_KEY: {"S": connection_id}}
            )

    def remove_gone(self, connection_ids: Sequence[str], connected_before: int) -> None:
        with translate_errors("deleting stale connections"):
            deletes = [
                self._threads.submit(self._remove_gone, each, connected_before)
                for each in connection_ids
            ]
            for delete in deletes:
                delete.result()

    def _remove_gone(self, connection_id: str, connected_before: int) -> None:
        with ignore_condition_failure():
            self._client.delete_item(
                TableName=self._table,
                Key={CONNECTION_KEY: {"S": connection_id}},
                ConditionExpression="#connectedAt < :before",
                ExpressionAttributeNames={"#connectedAt": CONNECTED_AT},
                ExpressionAttributeValues={":before": {"N": str(connected_before)}},
            )

    def count_message(self, connection_id: str, second: int, most: int) -> int:
        # One write per message, and two for the first message in a second. If the clock of another
        # instance is ahead, its second counts as the current one.
        with translate_errors("limiting messages"):
            for _ in range(2):
                is_written, row = self._update_clicks(
                    connection_id,
                    "SET #clicks = #clicks + :one",
                    f"{_SECOND_HAS_STARTED} AND {_LIMIT_NOT_REACHED}",
                    {":one": 1, ":second": second, ":limit": most},
                )
                if is_written or not row:
                    return _clicks(row)
                if CLICK_SECOND in row and int(row[CLICK_SECOND]["N"]) >= second:
                    return most + 1
                is_written, row = self._update_clicks(
                    connection_id,
                    "SET #second = :second, #clicks = :one",
                    f"{_ROW_EXISTS} AND {_SECOND_HAS_NOT_STARTED}",
                    {":one": 1, ":second": second},
                )
                if is_written or not row:
                    return 1 if is_written else 0
                # A concurrent message started the new second, so retry the first write.
        # Both conditions failed twice, which is possible only if the row was replaced meanwhile.
        return most

    def _update_clicks(
        self, connection_id: str, update: str, condition: str, values: dict[str, int]
    ) -> tuple[bool, dict[str, Any]]:
        """Whether the condition held, and the row: its updated attributes, or all of them if not.

        The row is empty if it does not exist.
        """
        try:
            response = self._client.update_item(
                TableName=self._table,
                Key={CONNECTION_KEY: {"S": connection_id}},
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames={
                    name: attribute
                    for name, attribute in _CLICK_NAMES.items()
                    if name in update + condition
                },
                ExpressionAttributeValues={
                    name: {"N": str(value)} for name, value in values.items()
                },
                ReturnValues="UPDATED_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as failure:
            if reason(failure) != CONDITION_FAILED:
                raise
            return False, failure.response.get("Item", {})
        return True, response["Attributes"]

    def audience(
        self, now_s: int, until_ms: float = float("inf"), after: str | None = None
    ) -> Iterator[str]:
        with translate_errors(LISTING):
            # DynamoDB continues a scan after any key, even if its row was deleted meanwhile.
            key = {CONNECTION_KEY: {"S": after}} if after else None
            # Read the next page while the caller uses this one, which has about ten thousand rows.
            next_page: Future[dict[str, Any]] | None = self._threads.submit(self._page, now_s, key)
            while next_page is not None:
                page = self._wait_for(next_page, until_ms)
                start = page.get("LastEvaluatedKey")
                next_page = self._threads.submit(self._page, now_s, start) if start else None
                yield from (row[CONNECTION_KEY]["S"] for row in page["Items"])

    def _wait_for(self, page: Future[dict[str, Any]], until_ms: float) -> dict[str, Any]:
        seconds = min(LONGEST_PAGE_SECONDS, (until_ms - self._clock.now_ms()) / 1000)
        try:
            return page.result(max(0.0, seconds))
        except TimeoutError as failure:
            raise StoreUnavailable(LISTING, "TimeoutError") from failure

    def _page(self, now_s: int, start: dict[str, Any] | None = None) -> dict[str, Any]:
        page: dict[str, Any] = self._client.scan(
            TableName=self._table,
            ConsistentRead=True,
            ProjectionExpression="#id",
            # DynamoDB deletes expired rows within days, not within seconds.
            FilterExpression="#expiresAt > :now",
            ExpressionAttributeNames={"#id": CONNECTION_KEY, "#expiresAt": EXPIRES_AT},
            ExpressionAttributeValues={":now": {"N": str(now_s)}},
            **({"ExclusiveStartKey": start} if start else {}),
        )
        return page


def _clicks(row: dict[str, Any]) -> int:
    return int(row[CLICKS]["N"]) if CLICKS in row else 0
