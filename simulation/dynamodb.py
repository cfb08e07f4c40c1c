"""The counter table of a DynamoDB that does what moto and MiniStack do not: transactions that
conflict, throughput that ends, request tokens, and answers that are lost.

The rules, from docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html: a
transaction holds its items from when it is prepared until it is committed. Another transaction
with one of them is cancelled, a single write of one is refused, and reads see what is committed.
A transaction with the token of one that is going on is refused, and with the token of one that
was committed it succeeds and changes nothing, for ten minutes.

It knows the four requests that `DynamoCounterStore` sends, and no other.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, Final

from botocore.exceptions import ClientError, ReadTimeoutError

from .virtual_time import VirtualTime

READ_TIMEOUT_MS: Final = 2000
TOKEN_MS: Final = 10 * 60 * 1000
# Of one item, in write units a second; a write within a transaction takes two.
ITEM_WRITE_UNITS: Final = 1000

Row = dict[str, dict[str, str]]


class ConditionalCheckFailedException(ClientError):  # type: ignore[misc]
    pass


class TransactionCanceledException(ClientError):  # type: ignore[misc]
    pass


@dataclass
class Faults:
    """Chances of what may happen to one request on the network."""

    request_lost: float = 0
    reply_lost: float = 0
    request_late: float = 0  # served after its sender has given it up
    seen: int = 0

    def heal(self) -> None:
        self.request_lost = self.reply_lost = self.request_late = 0


@dataclass
class Table:
    """`rows` by id, committed; `plain_adds` committed without a transaction."""

    time: VirtualTime
    random: Random
    faults: Faults = field(default_factory=Faults)
    one_way_ms: tuple[float, float] = (0.5, 1.5)
    transaction_ms: tuple[float, float] = (8, 15)
    batch_ms: float = 3  # from the first item's reading to the last
    rows: dict[str, Row] = field(default_factory=dict)
    plain_adds: int = 0
    conflicts: int = 0
    _numbers: Iterator[int] = field(default_factory=count)
    _held: set[str] = field(default_factory=set)
    _tokens: dict[str, float | None] = field(default_factory=dict)  # ms; None: going on
    _units: dict[str, tuple[float, float]] = field(default_factory=dict)  # left, at ms

    @property
    def operations(self) -> set[str]:
        return {name.removeprefix("op#") for name in self.rows if name.startswith("op#")}

    @property
    def value(self) -> int:
        return sum(int(row["value"]["N"]) for row in self.rows.values() if "value" in row)

    def travel(self) -> float:
        return self.random.uniform(*self.one_way_ms)

    def new_token(self) -> str:
        return f"token {next(self._numbers)}"

    # --- what it serves -------------------------------------------------------------------------

    def get(self, names: list[str]) -> list[Row]:
        # Each at a moment of its own, in any order, as BatchGetItem reads.
        found: list[Row] = []
        began = self.time.ms
        window = self.batch_ms if len(names) > 1 else 0
        moments = sorted((self.random.uniform(0, window), name) for name in names)
        for moment, name in moments:
            self.time.hold(max(0.0, began + moment - self.time.ms))
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
                raise ConditionalCheckFailedException(_response("…"), "UpdateItem")
            row["shards"] = {"N": str(shards)}
        else:
            self._add_one(request)
            self.plain_adds += 1
        return dict(self.rows[name])

    def transact(self, items: list[dict[str, Any]], token: str) -> None:
        put, update = items[0]["Put"], items[1]["Update"]
        if token in self._tokens:
            done = self._tokens[token]
            if done is None:
                raise _error("TransactionInProgressException")
            if self.time.ms < done + TOKEN_MS:
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
            raise TransactionCanceledException(response, "TransactWriteItems")
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
        """From a bucket that holds a second's throughput."""
        left, at = self._units.get(name, (ITEM_WRITE_UNITS, self.time.ms))
        left = min(ITEM_WRITE_UNITS, left + (self.time.ms - at) * ITEM_WRITE_UNITS / 1000)
        enough = left >= units
        self._units[name] = (left - units * enough, self.time.ms)
        return enough


class Client:
    """A boto3 client of the table that sends a request up to `attempts` times.

    As botocore's standard retries do, with one token for all of them.
    """

    class exceptions:  # noqa: N801  # as boto3 calls it
        ConditionalCheckFailedException = ConditionalCheckFailedException
        TransactionCanceledException = TransactionCanceledException

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
        time, faults, random = self._table.time, self._table.faults, self._table.random
        for attempt in range(1, self._attempts + 1):
            time.wait(self._table.travel())
            chance = random.random()
            lost = chance < faults.request_lost + faults.request_late
            if lost and chance >= faults.request_lost:
                late = READ_TIMEOUT_MS + random.uniform(-100, 100)
                time.spawn(lambda: _forget(serve), late)
            failure = reply = None
            if not lost:
                try:
                    reply = serve()
                except ClientError as error:
                    failure = error
                lost = random.random() < faults.reply_lost
            if lost:
                faults.seen += 1
                time.wait(READ_TIMEOUT_MS)
            else:
                time.wait(self._table.travel())
                if failure is None:
                    return reply
                if attempt == self._attempts or not _is_sent_again(failure):
                    raise failure
            time.wait(random.uniform(0, 1000 * 2 ** (attempt - 1)))
        raise ReadTimeoutError(endpoint_url="dynamodb")


def _forget(serve: Callable[[], Any]) -> None:
    """Whoever asked has given up, and nobody hears of it."""
    try:
        serve()
    except ClientError:
        return


def _is_sent_again(failure: ClientError) -> bool:
    code = failure.response["Error"]["Code"]
    return code in {"TransactionInProgressException", "ThrottlingException"}


def _name(key: Row) -> str:
    return key["id"]["S"]


def _response(code: str) -> dict[str, Any]:
    return {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": 400}}


def _error(code: str) -> ClientError:
    return ClientError(_response(code), "WriteItem")
