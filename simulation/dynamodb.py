"""A simulated DynamoDB with conflicts, throttling, tokens and lost replies.

moto and MiniStack have none of these.

The rules are those of
docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html: a transaction holds
its items from its preparation to its commit. Meanwhile another transaction with one of them is
cancelled, a single write of one is rejected, and reads return what is committed. A transaction with
the token of one in progress is rejected. With the token of one that was committed less than ten
minutes ago, it succeeds and changes nothing.

Only the four requests of `DynamoCounterStore` are served.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, Final, NoReturn

from botocore.exceptions import ClientError, ReadTimeoutError

from .faults import FaultRates
from .virtual_time import VirtualTime

READ_TIMEOUT_MS: Final = 2000
TOKEN_MS: Final = 10 * 60 * 1000
# Write units per second of one item. A write in a transaction takes two.
ITEM_WRITE_UNITS: Final = 1000

Row = dict[str, dict[str, str]]


@dataclass
class Table:
    """The counter table.

    Attributes:
        one_way_ms, transaction_ms: The shortest and the longest duration.
        batch_ms: Time from the read of the first item of a batch to that of the last.
        rows: Committed rows, by id.
        plain_adds: Number of clicks that were counted without a transaction.
        conflicts: Number of requests that met a transaction in progress.
        timeouts: Number of requests whose sender got no reply.
    """

    time: VirtualTime
    random: Random
    faults: FaultRates = field(default_factory=FaultRates)
    one_way_ms: tuple[float, float] = (0.5, 1.5)
    transaction_ms: tuple[float, float] = (8, 15)
    batch_ms: float = 3
    rows: dict[str, Row] = field(default_factory=dict)
    plain_adds: int = 0
    conflicts: int = 0
    timeouts: int = 0
    _numbers: Iterator[int] = field(default_factory=count)
    _held: set[str] = field(default_factory=set)
    _tokens: dict[str, float | None] = field(default_factory=dict)  # ms; None: in progress
    _units: dict[str, tuple[float, float]] = field(default_factory=dict)  # units left, at ms

    @property
    def operations(self) -> set[str]:
        """The op ids that were counted."""
        return {name.removeprefix("op#") for name in self.rows if name.startswith("op#")}

    @property
    def value(self) -> int:
        """The sum of all shards."""
        return sum(int(row["value"]["N"]) for row in self.rows.values() if "value" in row)

    def travel(self) -> float:
        """A random duration of the way to DynamoDB or back, in milliseconds."""
        return self.random.uniform(*self.one_way_ms)

    def new_token(self) -> str:
        return f"token {next(self._numbers)}"

    # --- requests -------------------------------------------------------------------------------

    def get(self, names: list[str]) -> list[Row]:
        # BatchGetItem reads each item at another moment, in any order.
        found: list[Row] = []
        started_ms = self.time.ms
        window_ms = self.batch_ms if len(names) > 1 else 0
        moments = sorted((self.random.uniform(0, window_ms), name) for name in names)
        for moment_ms, name in moments:
            self.time.hold(max(0.0, started_ms + moment_ms - self.time.ms))
            found += [dict(self.rows[name])] if name in self.rows else []
        return found

    def update(self, request: dict[str, Any]) -> Row:
        name = _name(request["Key"])
        if name in self._held:
            self.conflicts += 1
            raise _error("TransactionConflictException")
        if not self._take_units(name, 1):
            raise _error("ThrottlingException")
        if request["UpdateExpression"] == "SET #shards = :shards":
            shards = int(request["ExpressionAttributeValues"][":shards"]["N"])
            row = self.rows.setdefault(name, {"id": {"S": name}})
            if int(row.get("shards", {"N": "0"})["N"]) >= shards:
                raise _error("ConditionalCheckFailedException")
            row["shards"] = {"N": str(shards)}
        else:
            self._add_one(request)
            self.plain_adds += 1
        return dict(self.rows[name])

    def transact(self, items: list[dict[str, Any]], token: str) -> None:
        put, update = items[0]["Put"], items[1]["Update"]
        if token in self._tokens:
            committed_ms = self._tokens[token]
            if committed_ms is None:
                raise _error("TransactionInProgressException")
            if self.time.ms < committed_ms + TOKEN_MS:
                return
        names = [_name(put["Item"]), _name(update["Key"])]
        codes = ["TransactionConflict" if name in self._held else "None" for name in names]
        self.conflicts += "TransactionConflict" in codes
        if names[0] in self.rows:
            assert put["ConditionExpression"] == "attribute_not_exists(#id)"
            codes[0] = "ConditionalCheckFailed"
        if set(codes) == {"None"}:
            codes = ["None" if self._take_units(name, 2) else "ThrottlingError" for name in names]
        if set(codes) != {"None"}:
            reasons = [{"Code": code} for code in codes]
            response = _response("TransactionCanceledException") | {"CancellationReasons": reasons}
            raise ClientError(response, "TransactWriteItems")
        self._tokens[token] = None
        self._held.update(names)
        self.time.hold(self.random.uniform(*self.transaction_ms))
        self._held.difference_update(names)
        self.rows[names[0]] = put["Item"]
        self._add_one(update)
        self._tokens[token] = self.time.ms

    def _add_one(self, request: dict[str, Any]) -> None:
        assert request["UpdateExpression"] == "ADD #value :one"
        name = _name(request["Key"])
        row = self.rows.setdefault(name, {"id": {"S": name}})
        row["value"] = {"N": str(int(row.get("value", {"N": "0"})["N"]) + 1)}

    def _take_units(self, name: str, units: int) -> bool:
        """Take write units from a bucket of one second's units. Returns whether it had enough."""
        left, at = self._units.get(name, (ITEM_WRITE_UNITS, self.time.ms))
        left = min(ITEM_WRITE_UNITS, left + (self.time.ms - at) * ITEM_WRITE_UNITS / 1000)
        enough = left >= units
        self._units[name] = (left - units * enough, self.time.ms)
        return enough


class Client:
    """A boto3 client of the table that retries as botocore's standard mode does.

    All attempts of a transaction have the same token.

    Args:
        attempts: Maximum number of attempts of one request.
    """

    def __init__(self, table: Table, attempts: int) -> None:
        self._table = table
        self._attempts = attempts

    def get_item(self, *, Key: Row, ConsistentRead: bool, **_: Any) -> dict[str, Any]:  # noqa: N803
        assert ConsistentRead
        rows = self._send(lambda: self._table.get([_name(Key)]))
        return {"Item": rows[0]} if rows else {}

    def batch_get_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        [(table, request)] = RequestItems.items()
        assert request["ConsistentRead"]
        names = [_name(key) for key in request["Keys"]]
        return {"Responses": {table: self._send(lambda: self._table.get(names))}}

    def update_item(self, **request: Any) -> dict[str, Any]:
        return {"Attributes": self._send(lambda: self._table.update(request))}

    def transact_write_items(self, *, TransactItems: list[Any]) -> dict[str, Any]:  # noqa: N803
        token = self._table.new_token()
        self._send(lambda: self._table.transact(TransactItems, token))
        return {}

    def _send(self, serve: Callable[[], Any]) -> Any:
        time, random = self._table.time, self._table.random
        for attempt in count(1):
            try:
                return self._attempt(serve)
            except (ReadTimeoutError, ClientError) as failure:
                if attempt == self._attempts or not _is_retried(failure):
                    raise
            time.wait(random.uniform(0, 1000 * 2 ** (attempt - 1)))
        raise AssertionError("unreachable")

    def _attempt(self, serve: Callable[[], Any]) -> Any:
        time, faults, random = self._table.time, self._table.faults, self._table.random

        def serve_late() -> None:
            with suppress(ClientError):
                serve()

        def time_out() -> NoReturn:
            self._table.timeouts += 1
            time.wait(READ_TIMEOUT_MS)
            raise ReadTimeoutError(endpoint_url="dynamodb")

        time.wait(self._table.travel())
        chance = random.random()
        if chance < faults.request_lost:
            time_out()
        if chance < faults.request_lost + faults.request_late:
            time.spawn(serve_late, READ_TIMEOUT_MS + random.uniform(-100, 100))
            time_out()
        try:
            return serve()
        finally:
            if random.random() < faults.reply_lost:
                time_out()
            time.wait(self._table.travel())


def _is_retried(failure: ReadTimeoutError | ClientError) -> bool:
    if isinstance(failure, ReadTimeoutError):
        return True
    code = failure.response["Error"]["Code"]
    return code in {"TransactionInProgressException", "ThrottlingException"}


def _name(key: Row) -> str:
    return key["id"]["S"]


def _response(code: str) -> dict[str, Any]:
    return {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": 400}}


def _error(code: str) -> ClientError:
    return ClientError(_response(code), "WriteItem")
