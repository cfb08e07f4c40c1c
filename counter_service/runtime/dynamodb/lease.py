"""BroadcastLease on one row of the counter table: `ticket`, `broadcaster`, `leaseUntil`."""

from contextlib import suppress
from typing import Any, Final

from counter_service.runtime.contract import (
    COUNTER_KEY,
    LEASE_OWNER,
    LEASE_ROW,
    LEASE_TICKET,
    LEASE_UNTIL,
)

from .client import unavailable

_KEY: Final = {COUNTER_KEY: {"S": LEASE_ROW}}
_NAMES: Final = {"#ticket": LEASE_TICKET, "#owner": LEASE_OWNER, "#until": LEASE_UNTIL}


class _Refused(Exception):
    """The condition did not hold; `row` is what it found."""

    def __init__(self, row: dict[str, Any]) -> None:
        super().__init__()
        self.row = row


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
        if row[LEASE_OWNER]["S"] == owner:
            return _ticket(row)
        if int(row[LEASE_UNTIL]["N"]) > now:
            return None
        # Whoever held it has crashed. Of all that find this, one takes over.
        with suppress(_Refused):
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
        return None

    def release(self, owner: str, ticket: int, until: int) -> int | None:
        mine = {":me": {"S": owner}}
        try:
            self._update(
                "REMOVE #owner, #until",
                mine | {":ticket": {"N": str(ticket)}},
                "#owner = :me AND #ticket = :ticket",
            )
            return None
        except _Refused as refused:
            row = refused.row
        if row.get(LEASE_OWNER) != {"S": owner}:
            return None  # it is another's by now
        # Somebody counted meanwhile and relies on us. A broadcast that took less than a second
        # finds the lease renewed already, and does without another write.
        if int(row[LEASE_UNTIL]["N"]) >= until:
            return _ticket(row)
        with suppress(_Refused):
            return _ticket(
                self._update(
                    "SET #until = :until", mine | {":until": {"N": str(until)}}, "#owner = :me"
                )
            )
        return None

    def abandon(self, owner: str) -> None:
        with suppress(_Refused):
            self._update("REMOVE #owner, #until", {":me": {"S": owner}}, "#owner = :me")

    def is_expired(self, now: int) -> bool:
        with unavailable("reading the lease"):
            answer = self._client.get_item(TableName=self._table, Key=_KEY, ConsistentRead=True)
        until = answer.get("Item", {}).get(LEASE_UNTIL)
        return until is not None and int(until["N"]) <= now

    def _update(
        self, expression: str, values: dict[str, Any], condition: str | None = None
    ) -> dict[str, Any]:
        """The row afterwards. Raises _Refused when the condition did not hold."""
        used = f"{expression} {condition or ''}"
        arguments = {"ConditionExpression": condition} if condition else {}
        with unavailable("the broadcast lease"):
            try:
                answer = self._client.update_item(
                    TableName=self._table,
                    Key=_KEY,
                    UpdateExpression=expression,
                    ExpressionAttributeNames={k: v for k, v in _NAMES.items() if k in used},
                    ExpressionAttributeValues={k: v for k, v in values.items() if k in used},
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **arguments,
                )
            except self._client.exceptions.ConditionalCheckFailedException as failure:
                raise _Refused(failure.response.get("Item", {})) from failure
        row: dict[str, Any] = answer["Attributes"]
        return row


def _ticket(row: dict[str, Any]) -> int:
    return int(row[LEASE_TICKET]["N"])
