"""The messages: text from a client to requests, answers to text. Pure.

Client to server::

    {"action": "increment"}
    {"action": "get-current"}

Server to client::

    {"type": "counter-update", "value": 42}
    {"type": "error", "code": "unknown-action", "message": "..."}

A field that we do not know is ignored, so that peers can be newer than we are.
"""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NoReturn

MAX_MESSAGE_BYTES: Final = 1024


class ErrorCode(StrEnum):
    """What went wrong, for programs. The message beside it is for people."""

    TOO_LARGE = "too-large"
    NOT_TEXT = "not-text"
    NOT_JSON = "not-json"
    NOT_AN_OBJECT = "not-an-object"
    MISSING_ACTION = "missing-action"
    UNKNOWN_ACTION = "unknown-action"
    TOO_MANY_CLICKS = "too-many-clicks"
    UNAVAILABLE = "unavailable"
    UNKNOWN_OUTCOME = "unknown-outcome"


MESSAGES: Final = {
    ErrorCode.TOO_LARGE: f"A message may have at most {MAX_MESSAGE_BYTES} bytes.",
    ErrorCode.NOT_TEXT: "Send text, not binary data.",
    ErrorCode.NOT_JSON: 'Send JSON, for example {"action":"increment"}.',
    ErrorCode.NOT_AN_OBJECT: 'Send a JSON object, for example {"action":"increment"}.',
    ErrorCode.MISSING_ACTION: 'The message needs an "action": "increment" or "get-current".',
    ErrorCode.UNKNOWN_ACTION: 'The actions are "increment" and "get-current".',
    ErrorCode.TOO_MANY_CLICKS: "Too many clicks within a second: this one was not counted.",
    ErrorCode.UNAVAILABLE: "The counter cannot be reached and nothing was changed. Try again.",
    ErrorCode.UNKNOWN_OUTCOME: "The counter did not answer. The click may or may not have counted.",
}


@dataclass(frozen=True, slots=True)
class Increment:
    """Add one and tell everyone."""


@dataclass(frozen=True, slots=True)
class GetCurrent:
    """Tell the sender the value."""


@dataclass(frozen=True, slots=True)
class Invalid:
    """The client's mistake, to be answered with an error message."""

    code: ErrorCode


Request = Increment | GetCurrent | Invalid

# A new action starts here: its request, and its name on the wire.
ACTIONS: Final[dict[str, Request]] = {"increment": Increment(), "get-current": GetCurrent()}


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
    request = ACTIONS.get(action) if isinstance(action, str) else None
    return request or Invalid(ErrorCode.UNKNOWN_ACTION)


def counter_update(value: int) -> str:
    return _dump({"type": "counter-update", "value": value})


def error(code: ErrorCode) -> str:
    return _dump({"type": "error", "code": code, "message": MESSAGES[code]})


def _dump(message: dict[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"))


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _refuse_constant(name: str) -> NoReturn:
    # Python's parser takes NaN and Infinity; JSON does not have them.
    raise ValueError(f"{name} is not JSON")
