"""ConnectionStore on DynamoDB."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from counter_service.runtime.contract import (
    CLICK_SECOND,
    CLICKS,
    CONNECTED_AT,
    CONNECTION_KEY,
    EXPIRES_AT,
)
from counter_service.runtime.core.ports import Connection

from .client import ignore_condition_failure, unavailable


class DynamoConnectionStore:
    """ConnectionStore on a table keyed by connection id."""

    def __init__(self, table: str, client: Any) -> None:
        self._table = table
        self._client = client
        self._reader = ThreadPoolExecutor(1)  # starts its thread with the first second page

    def put(self, connection: Connection) -> None:
        with unavailable("recording a connection"), ignore_condition_failure(self._client):
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
        with unavailable("forgetting a connection"):
            self._client.delete_item(
                TableName=self._table, Key={CONNECTION_KEY: {"S": connection_id}}
            )

    def remove_gone(self, connection_id: str, connected_before: int) -> bool:
        with unavailable("forgetting a connection"), ignore_condition_failure(self._client):
            self._client.delete_item(
                TableName=self._table,
                Key={CONNECTION_KEY: {"S": connection_id}},
                ConditionExpression="#connectedAt < :before",
                ExpressionAttributeNames={"#connectedAt": CONNECTED_AT},
                ExpressionAttributeValues={":before": {"N": str(connected_before)}},
            )
            return True
        return False

    def admit_click(self, connection_id: str, second: int, limit: int) -> bool:
        # One write for all but the first click of a second. A second that another worker's
        # clock has begun already is the current one.
        with unavailable("limiting clicks"):
            for _ in range(2):
                row = self._write_click(
                    connection_id,
                    "SET #clicks = #clicks + :one",
                    "#second >= :second AND #clicks < :limit",
                    {":one": 1, ":second": second, ":limit": limit},
                )
                if not row:
                    return True
                if CLICK_SECOND in row and int(row[CLICK_SECOND]["N"]) >= second:
                    return False
                row = self._write_click(
                    connection_id,
                    "SET #second = :second, #clicks = :one",
                    "attribute_exists(#id) AND "
                    "(attribute_not_exists(#second) OR #second < :second)",
                    {":one": 1, ":second": second},
                    {"#id": CONNECTION_KEY},
                )
                if not row:
                    return True
                # Another click began the second meanwhile, so now the first write decides.
        return True

    def _write_click(
        self,
        connection_id: str,
        update: str,
        condition: str,
        values: dict[str, int],
        names: dict[str, str] | None = None,
    ) -> dict[str, Any] | None:
        """The row that the condition refused; None if it was written, or if there is none."""
        try:
            self._client.update_item(
                TableName=self._table,
                Key={CONNECTION_KEY: {"S": connection_id}},
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeNames={"#second": CLICK_SECOND, "#clicks": CLICKS}
                | (names or {}),
                ExpressionAttributeValues={
                    name: {"N": str(value)} for name, value in values.items()
                },
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except self._client.exceptions.ConditionalCheckFailedException as failure:
            row: dict[str, Any] | None = failure.response.get("Item")
            return row
        return None

    def audience(self, now: int) -> Iterator[str]:
        with unavailable("listing the audience"):
            page = self._page(now)
            # A page is some ten thousand rows. The next one loads while this one is used.
            while start := page.get("LastEvaluatedKey"):
                following = self._reader.submit(self._page, now, start)
                yield from _ids(page)
                page = following.result()
            yield from _ids(page)

    def _page(self, now: int, start: dict[str, Any] | None = None) -> dict[str, Any]:
        page: dict[str, Any] = self._client.scan(
            TableName=self._table,
            ConsistentRead=True,
            ProjectionExpression="#id",
            # DynamoDB deletes expired rows within days, not seconds.
            FilterExpression="#expiresAt > :now",
            ExpressionAttributeNames={"#id": CONNECTION_KEY, "#expiresAt": EXPIRES_AT},
            ExpressionAttributeValues={":now": {"N": str(now)}},
            **({"ExclusiveStartKey": start} if start else {}),
        )
        return page


def _ids(page: dict[str, Any]) -> Iterator[str]:
    return (row[CONNECTION_KEY]["S"] for row in page["Items"])
