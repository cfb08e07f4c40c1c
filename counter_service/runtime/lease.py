"""BroadcastLease on one row of the counter table: `ticket`, `broadcaster`, `leaseUntil`."""

from typing import Any, Final

from .contract import COUNTER_KEY, LEASE_OWNER, LEASE_ROW, LEASE_TICKET, LEASE_UNTIL
from .dynamodb import condition_may_fail, unavailable

_KEY: Final = {COUNTER_KEY: {"S": LEASE_ROW}}
_NAMES: Final = {"#ticket": LEASE_TICKET, "#owner": LEASE_OWNER, "#until": LEASE_UNTIL}


class DynamoBroadcastLease:
    """`client` may send each of its requests again: a ticket drawn twice is one broadcast more."""

    def __init__(self, table: str, client: Any) -> None:
        self._table = table
        self._client = client

    def request(self, owner: str, now: int, until: int) -> int | None:
        row = self._update(
            "ADD #ticket :one "
            "SET #owner = if_not_exists(#owner, :me), #until = if_not_exists(#until, :until)",
            {":one": {"N": "1"}, ":me": {"S": owner}, ":until": {"N": str(until)}},
        )
        if row is None or row[LEASE_OWNER]["S"] == owner:
            return _ticket(row)
        if int(row[LEASE_UNTIL]["N"]) > now:
            return None
        # Whoever held it has crashed. Of all that find this, one takes over.
        return _ticket(
            self._update(
                "SET #owner = :me, #until = :until",
                {
                    ":me": {"S": owner},
                    ":until": {"N": str(until)},
                    ":crashed": row[LEASE_OWNER],
                    ":expired": row[LEASE_UNTIL],
                },
                "#owner = :crashed AND #until = :expired",
            )
        )

    def release(self, owner: str, ticket: int, until: int) -> int | None:
        mine = {":me": {"S": owner}}
        released = self._update(
            "REMOVE #owner, #until",
            mine | {":ticket": {"N": str(ticket)}},
            "#owner = :me AND #ticket = :ticket",
        )
        if released is not None:
            return None
        # Somebody counted meanwhile and relies on us, or the lease is another's by now.
        renewed = self._update(
            "SET #until = :until", mine | {":until": {"N": str(until)}}, "#owner = :me"
        )
        return _ticket(renewed)

    def abandon(self, owner: str) -> None:
        self._update("REMOVE #owner, #until", {":me": {"S": owner}}, "#owner = :me")

    def is_expired(self, now: int) -> bool:
        with unavailable("reading the lease"):
            answer = self._client.get_item(TableName=self._table, Key=_KEY, ConsistentRead=True)
        until = answer.get("Item", {}).get(LEASE_UNTIL)
        return until is not None and int(until["N"]) <= now

    def _update(
        self, expression: str, values: dict[str, Any], condition: str | None = None
    ) -> dict[str, Any] | None:
        """The row afterwards; None when the condition did not hold."""
        used = f"{expression} {condition or ''}"
        arguments = {"ConditionExpression": condition} if condition else {}
        with unavailable("the broadcast lease"), condition_may_fail(self._client):
            answer = self._client.update_item(
                TableName=self._table,
                Key=_KEY,
                UpdateExpression=expression,
                ExpressionAttributeNames={k: v for k, v in _NAMES.items() if k in used},
                ExpressionAttributeValues={k: v for k, v in values.items() if k in used},
                ReturnValues="ALL_NEW",
                **arguments,
            )
            row: dict[str, Any] = answer["Attributes"]
            return row
        return None


def _ticket(row: dict[str, Any] | None) -> int | None:
    return int(row[LEASE_TICKET]["N"]) if row else None
