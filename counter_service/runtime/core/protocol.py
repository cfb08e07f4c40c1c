"""Parses the messages from clients, and formats the messages to them.

Client to server::

    {"action": "increment", "id": "<op id>"}
    {"action": "get-current"}

Server to client::

    {"type": "counter-update", "value": 42, "id": "<op id>"}
    {"type": "error", "code": "unknown-action", "message": "...", "id": "<op id>"}

The op id is the idempotency key of one click: a client retries the click until it is acknowledged,
and it counts once. Without an op id, an increment counts at most once. A response has the op id
of its request; broadcasts have none. Unknown fields are ignored, so that peers can be newer.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Final, NoReturn

MAX_MESSAGE_BYTES: Final = 1024

# 2^53 - 1, the greatest integer that JavaScript and many JSON parsers read exactly.
MAX_VALUE: Final = 2**53 - 1

# <session>:<sequence number>. The session is long and random, so that no client can guess the ids
# of another. Ids are compared as text: "...:1" and "...:01" are two clicks.
OP_ID: Final = re.compile(r"[A-Za-z0-9_-]{16,64}:[0-9]{1,15}")


class Action(StrEnum):
    """The kind of an event, as the log names it. The first two are also names on the wire."""

    INCREMENT = "increment"
    GET_CURRENT = "get-current"
    INVALID = "invalid"
    CONNECT = "connect"
    DISCONNECT = "disconnect"
    CONTINUE_BROADCAST = "continue-broadcast"


class ErrorCode(StrEnum):
    """Code of an error, for programs. MESSAGES has the text for people."""

    TOO_LARGE = "too-large"
    NOT_TEXT = "not-text"
    NOT_JSON = "not-json"
    NOT_AN_OBJECT = "not-an-object"
    MISSING_ACTION = "missing-action"
    UNKNOWN_ACTION = "unknown-action"
    BAD_ID = "bad-id"
    TOO_MANY_CLICKS = "too-many-clicks"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    UNKNOWN_OUTCOME = "unknown-outcome"


@dataclass(frozen=True, slots=True)
class Increment:
    """Add one, unless the op id was counted before, and broadcast the value."""

    action: ClassVar = Action.INCREMENT
    op_id: str | None = None


@dataclass(frozen=True, slots=True)
class GetCurrent:
    """Send the value to the sender."""

    action: ClassVar = Action.GET_CURRENT


@dataclass(frozen=True, slots=True)
class Invalid:
    """A message that cannot be served. The response is an error with this code."""

    action: ClassVar = Action.INVALID
    code: ErrorCode


Request = Increment | GetCurrent | Invalid


def _increment(message: Mapping[str, Any]) -> Request:
    if "id" not in message:
        return Increment()
    op_id = message["id"]
    if not isinstance(op_id, str) or not OP_ID.fullmatch(op_id):
        return Invalid(ErrorCode.BAD_ID)
    return Increment(op_id)


# The parser of each action's request. A new action starts here.
ACTIONS: Final[Mapping[str, Callable[[Mapping[str, Any]], Request]]] = {
    Action.INCREMENT: _increment,
    Action.GET_CURRENT: lambda _: GetCurrent(),
}

_NAMES: Final = " or ".join(f'"{action}"' for action in ACTIONS)

MESSAGES: Final = {
    ErrorCode.TOO_LARGE: f"A message may have at most {MAX_MESSAGE_BYTES} bytes.",
    ErrorCode.NOT_TEXT: "Send text, not binary data.",
    ErrorCode.NOT_JSON: 'Send JSON, for example {"action":"increment"}.',
    ErrorCode.NOT_AN_OBJECT: 'Send a JSON object, for example {"action":"increment"}.',
    ErrorCode.MISSING_ACTION: f'The message needs an "action": {_NAMES}.',
    ErrorCode.UNKNOWN_ACTION: f"This action is unknown. Use {_NAMES}.",
    ErrorCode.BAD_ID: 'An "id" is 16 to 64 of A-Z a-z 0-9 _ -, a colon, and 1 to 15 digits.',
    ErrorCode.TOO_MANY_CLICKS: "Too many messages within a second. This one was not served.",
    # Without an id the click was not counted. With one it may have been, if a response was lost.
    ErrorCode.BUSY: "Too many concurrent clicks. Retry with the same id: it counts only once.",
    ErrorCode.UNAVAILABLE: "The counter is unavailable. Retry with the same id: it counts once.",
    ErrorCode.UNKNOWN_OUTCOME: (
        "The counter did not respond. The click may or may not have counted."
    ),
}


def parse(text: str | None) -> Request:
    """Parse one frame; None is a binary one. Never raises, whatever the text."""
    if text is None:
        return Invalid(ErrorCode.NOT_TEXT)
    # A character is at least one byte, so the cheap check saves encoding a frame of 128 KB.
    if len(text) > MAX_MESSAGE_BYTES or len(_utf8(text)) > MAX_MESSAGE_BYTES:
        return Invalid(ErrorCode.TOO_LARGE)
    try:
        message = decode(text)
    except ValueError:
        return Invalid(ErrorCode.NOT_JSON)
    if not isinstance(message, dict):
        return Invalid(ErrorCode.NOT_AN_OBJECT)
    if "action" not in message:
        return Invalid(ErrorCode.MISSING_ACTION)
    action = message["action"]
    parse_action = ACTIONS.get(action) if isinstance(action, str) else None
    return parse_action(message) if parse_action else Invalid(ErrorCode.UNKNOWN_ACTION)


def decode(text: str) -> Any:
    """Read JSON. Raises ValueError for other text, and for JSON that nests too deep."""
    try:
        return json.loads(text, parse_constant=_reject_constant)
    except RecursionError:  # a kilobyte of "[" is enough
        raise ValueError(text) from None


def counter_update(value: int, op_id: str | None = None) -> str:
    """The value, at most MAX_VALUE. With an op id: acknowledges that click, to its sender only."""
    return _dump({"type": "counter-update", "value": min(value, MAX_VALUE)}, op_id)


def error(code: ErrorCode, op_id: str | None = None) -> str:
    """The message that reports an error, as JSON text."""
    return _dump({"type": "error", "code": code, "message": MESSAGES[code]}, op_id)


def _dump(message: dict[str, Any], op_id: str | None) -> str:
    id_member = {"id": op_id} if op_id else {}
    return json.dumps(message | id_member, separators=(",", ":"))


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _reject_constant(name: str) -> NoReturn:
    # Python's parser accepts NaN and Infinity, which JSON does not have.
    raise ValueError(name)
