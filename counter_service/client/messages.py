"""The messages as a client sees them: requests become text, and text becomes responses."""

import json
from dataclasses import dataclass
from typing import Any, Final

from counter_service.runtime.core.protocol import MAX_VALUE, Action, ErrorCode, decode

# A click that fails with one of these is retried under the same op id. Others never count.
_RETRIED: Final = frozenset(
    (ErrorCode.BUSY, ErrorCode.UNAVAILABLE, ErrorCode.TOO_MANY_CLICKS, ErrorCode.UNKNOWN_OUTCOME)
)

GET_CURRENT: Final = json.dumps({"action": Action.GET_CURRENT})


def increment(op_id: str | None = None) -> str:
    """The request to add one. Without an op id it must not be retried."""
    return json.dumps({"action": Action.INCREMENT} | ({"id": op_id} if op_id else {}))


@dataclass(frozen=True, slots=True)
class Update:
    """A value of the counter: a broadcast, or the response to a request.

    Attributes:
        value: None if the server sent anything but a whole number from 0 to MAX_VALUE.
        op_id: The click of this client that the message acknowledges, if any.
    """

    value: int | None
    op_id: str | None = None


class Failure(Exception):
    """A request failed, or the client ended before its response.

    Attributes:
        code: An ErrorCode of the server. Others: "gateway" is an error of API Gateway,
            "unreadable" a frame outside of the protocol, "rejected" and "closed" are the client's.
        op_id: The click that failed. None if the message does not say which request it is about.
    """

    def __init__(self, code: str, message: str, op_id: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.op_id = op_id

    @property
    def is_about_any(self) -> bool:
        """Whether it may respond to any request, because the function did not write it."""
        return self.code in ("gateway", "unreadable")

    @property
    def is_final(self) -> bool:
        """Whether its click will never be counted. Other clicks are retried."""
        return self.op_id is not None and self.code not in _RETRIED


def rejection(status: int) -> Failure | None:
    """The failure of a handshake with this HTTP status, unless the next one may succeed."""
    match status:
        case 401:
            return Failure("rejected", "The server rejected the token, or requires one (401).")
        case 403:
            return Failure("rejected", "The server rejected the origin, or the URL's stage (403).")
    return None


def parse(frame: str | bytes) -> Update | Failure:
    """Read one frame. Never raises: a frame outside of the protocol becomes a Failure."""
    try:
        message = decode(frame) if isinstance(frame, str) else None
    except ValueError:
        message = None
    match message:
        case {"type": "counter-update", **fields}:
            return Update(_count(fields.get("value")), _op_id(fields))
        case {"type": "error", "code": str(code), "message": str(text), **fields} if code and text:
            return Failure(code, text, _op_id(fields))
        case {"message": str(text), **fields} if text and "type" not in fields:
            return Failure("gateway", f"API Gateway reported: {text}")
    return Failure("unreadable", "The server sent a message that this client does not understand.")


def _count(value: Any) -> int | None:
    # 1e3 is a float in Python, and true is an int.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= MAX_VALUE and value == int(value) else None


def _op_id(fields: dict[Any, Any]) -> str | None:
    op_id = fields.get("id")
    return op_id if isinstance(op_id, str) and op_id else None
