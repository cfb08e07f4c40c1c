"""The messages: text from a client to requests, answers to text. Pure.

Client to server::

    {"action": "increment", "id": "<op id>"}
    {"action": "get-current"}

Server to client::

    {"type": "counter-update", "value": 42, "id": "<op id>"}
    {"type": "error", "code": "unknown-action", "message": "...", "id": "<op id>"}

The op id names one click, so that a client can send it again until it is answered and the click
still counts once. Without one an increment counts at most once. Answers carry the id of what they
answer; broadcasts carry none. A field that we do not know is ignored, so that peers can be newer
than we are.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NoReturn

MAX_MESSAGE_BYTES: Final = 1024

# <session>:<sequence>. The session is random and long, so that nobody claims another client's ids
# by guessing. Ids are compared as text: "...:1" and "...:01" are two clicks.
OP_ID: Final = re.compile(r"[A-Za-z0-9_-]{16,64}:[0-9]{1,15}")


class ErrorCode(StrEnum):
    """What went wrong, for programs. The message beside it is for people."""

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


MESSAGES: Final = {
    ErrorCode.TOO_LARGE: f"A message may have at most {MAX_MESSAGE_BYTES} bytes.",
    ErrorCode.NOT_TEXT: "Send text, not binary data.",
    ErrorCode.NOT_JSON: 'Send JSON, for example {"action":"increment"}.',
    ErrorCode.NOT_AN_OBJECT: 'Send a JSON object, for example {"action":"increment"}.',
    ErrorCode.MISSING_ACTION: 'The message needs an "action": "increment" or "get-current".',
    ErrorCode.UNKNOWN_ACTION: 'The actions are "increment" and "get-current".',
    ErrorCode.BAD_ID: 'An "id" is 16 to 64 of A-Z a-z 0-9 _ -, a colon, and 1 to 15 digits.',
    ErrorCode.TOO_MANY_CLICKS: "Too many clicks within a second: this one was not counted.",
    # These two: without an id it was not counted. With one it may have been, where an answer was
    # lost, and then counts no second time.
    ErrorCode.BUSY: "Too many clicks at the same time. Try again; an id counts only once.",
    ErrorCode.UNAVAILABLE: "The counter cannot be reached. Try again; an id counts only once.",
    ErrorCode.UNKNOWN_OUTCOME: "The counter did not answer. The click may or may not have counted.",
}


@dataclass(frozen=True, slots=True)
class Increment:
    """Add one and tell everyone."""

    op_id: str | None = None  # with one: unless it was counted before


@dataclass(frozen=True, slots=True)
class GetCurrent:
    """Tell the sender the value."""


@dataclass(frozen=True, slots=True)
class Invalid:
    """The client's mistake, to be answered with an error message."""

    code: ErrorCode


Request = Increment | GetCurrent | Invalid


def _increment(message: Mapping[str, Any]) -> Request:
    if "id" not in message:
        return Increment()
    op_id = message["id"]
    if not isinstance(op_id, str) or not OP_ID.fullmatch(op_id):
        return Invalid(ErrorCode.BAD_ID)
    return Increment(op_id)


# A new action starts here: its request, and its name on the wire.
ACTIONS: Final[Mapping[str, Callable[[Mapping[str, Any]], Request]]] = {
    "increment": _increment,
    "get-current": lambda _: GetCurrent(),
}


def parse(text: str) -> Request:
    """Read one frame. Never raises, whatever the text."""
    # A character is at least one byte, so the cheap check spares encoding a 128 KB frame.
    if len(text) > MAX_MESSAGE_BYTES or len(_utf8(text)) > MAX_MESSAGE_BYTES:
        return Invalid(ErrorCode.TOO_LARGE)
    try:
        message = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):  # a kilobyte of "[" nests deeper than the stack
        return Invalid(ErrorCode.NOT_JSON)
    if not isinstance(message, dict):
        return Invalid(ErrorCode.NOT_AN_OBJECT)
    if "action" not in message:
        return Invalid(ErrorCode.MISSING_ACTION)
    action = message["action"]
    read = ACTIONS.get(action) if isinstance(action, str) else None
    return read(message) if read else Invalid(ErrorCode.UNKNOWN_ACTION)


def counter_update(value: int, op_id: str | None = None) -> str:
    """With an op id: the acknowledgement of that click, for its sender alone."""
    return _dump({"type": "counter-update", "value": value}, op_id)


def error(code: ErrorCode, op_id: str | None = None) -> str:
    return _dump({"type": "error", "code": code, "message": MESSAGES[code]}, op_id)


def _dump(message: dict[str, Any], op_id: str | None) -> str:
    answered = {"id": op_id} if op_id else {}
    return json.dumps(message | answered, separators=(",", ":"))


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _refuse_constant(name: str) -> NoReturn:
    # Python's parser takes NaN and Infinity; JSON does not have them.
    raise ValueError(f"{name} is not JSON")
