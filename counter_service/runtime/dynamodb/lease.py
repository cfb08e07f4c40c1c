"""BroadcastLease on one row of the counter table: `ticket`, `broadcaster`, `leaseUntil`."""

from contextlib import suppress
from typing import Any, Final

from botocore.exceptions import ClientError

from counter_service.runtime.contract import (
    COUNTER_KEY,
    LEASE_OWNER,
    LEASE_ROW,
    LEASE_TICKET,
    LEASE_UNTIL,
)

from .client import CONDITION_FAILED, reason, translate_errors

_KEY: Final = {COUNTER_KEY: {"S": LEASE_ROW}}
_NAMES: Final = {"#ticket": LEASE_TICKET, "#owner": LEASE_OWNER, "#until": LEASE_UNTIL}

_TAKE_TICKET: Final = "ADD #ticket :one"
_ACQUIRE_IF_FREE: Final = (
    "SET #owner = if_not_exists(#owner, :me), #until = if_not_exists(#until, :until)"
)
_ACQUIRE: Final = "SET #owner = :me, #until = :until"
_RENEW: Final = "SET #until = :until"
_RELEASE: Final = "REMOVE #owner, #until"

_IS_MINE: Final = "#owner = :me"
_NO_NEWER_TICKET: Final = "#ticket = :ticket"
_STILL_HELD_BY_CRASHED: Final = "#owner = :crashed AND #until = :expired"


class _ConditionFailed(Exception):
    """The condition did not hold for `row`."""

    def __init__(self, row: dict[str, Any]) -> None:
        super().__init__()
        self.row = row


class DynamoBroadcastLease:
    """BroadcastLease on the counter table, with a client configured with WITH_RETRIES.

    Retries are safe, because a retry that takes a second ticket only causes one more broadcast.
    """

    def __init__(self, table: str, client: Any) -> None:
        self._table = table
        self._client = client

    def request(self, owner: str, now: int, until: int) -> int | None:
        me = {":me": {"S": owner}, ":until": {"N": str(until)}}
        row = self._update(f"{_TAKE_TICKET} {_ACQUIRE_IF_FREE}", me | {":one": {"N": "1"}})
        if row[LEASE_OWNER]["S"] == owner:
            return _ticket(row)
        if int(row[LEASE_UNTIL]["N"]) > now:
            return None
        # The owner crashed. Several invocations may find this, and one of them acquires the lease.
        crashed = {":crashed": row[LEASE_OWNER], ":expired": row[LEASE_UNTIL]}
        with suppress(_ConditionFailed):
            return _ticket(self._update(_ACQUIRE, me | crashed, _STILL_HELD_BY_CRASHED))
        return None

    def release(self, owner: str, ticket: int, until: int) -> int | None:
        me = {":me": {"S": owner}}
        try:
            self._update(
                _RELEASE,
                me | {":ticket": {"N": str(ticket)}},
                f"{_IS_MINE} AND {_NO_NEWER_TICKET}",
            )
            return None
        except _ConditionFailed as failure:
            row = failure.row
        if row.get(LEASE_OWNER) != {"S": owner}:
            return None  # it expired, and another invocation acquired it
        # Another click waits for this owner's next broadcast. If the last broadcast took less than
        # a second, the lease already ends at `until`, and the renewal would be a wasted write.
        if int(row[LEASE_UNTIL]["N"]) == until or self.renew(owner, until):
            return _ticket(row)
        return None

    def renew(self, owner: str, until: int) -> bool:
        with suppress(_ConditionFailed):
            self._update(_RENEW, {":me": {"S": owner}, ":until": {"N": str(until)}}, _IS_MINE)
            return True
        return False

    def abandon(self, owner: str) -> None:
        with suppress(_ConditionFailed):
            self._update(_RELEASE, {":me": {"S": owner}}, _IS_MINE)

    def is_expired(self, now: int) -> bool:
        with translate_errors("reading the lease"):
            response = self._client.get_item(TableName=self._table, Key=_KEY, ConsistentRead=True)
        until = response.get("Item", {}).get(LEASE_UNTIL)
        return until is not None and int(until["N"]) <= now

    def _update(
        self, expression: str, values: dict[str, Any], condition: str | None = None
    ) -> dict[str, Any]:
        """The row after the update. Raises _ConditionFailed if the condition does not hold."""
        # DynamoDB rejects a request with names that its expressions do not use.
        used = f"{expression} {condition or ''}"
        arguments = {"ConditionExpression": condition} if condition else {}
        with translate_errors("the broadcast lease"):
            try:
                response = self._client.update_item(
                    TableName=self._table,
                    Key=_KEY,
                    UpdateExpression=expression,
                    ExpressionAttributeNames={k: v for k, v in _NAMES.items() if k in used},
                    ExpressionAttributeValues=values,
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **arguments,
                )
            except ClientError as failure:
                if reason(failure) != CONDITION_FAILED:
                    raise
                raise _ConditionFailed(failure.response.get("Item", {})) from failure
        row: dict[str, Any] = response["Attributes"]
        return row


def _ticket(row: dict[str, Any]) -> int:
    return int(row[LEASE_TICKET]["N"])
