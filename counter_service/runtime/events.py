"""API Gateway's WebSocket events as values. Pure.

The shapes: docs.aws.amazon.com/apigateway/latest/developerguide/
apigateway-websocket-api-mapping-template-reference.html, and recorded ones in tests/events/.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import UnknownEvent


@dataclass(frozen=True, slots=True)
class Connect:
    """A handshake. The socket opens only after our answer, so nothing can be posted to it yet."""

    connection_id: str
    connected_at: int  # epoch seconds


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The socket is gone. Best effort: it may come late, twice or never."""

    connection_id: str


@dataclass(frozen=True, slots=True)
class Message:
    """One frame of a client."""

    connection_id: str
    connected_at: int  # epoch seconds
    body: str | None  # None: the frame was binary


Event = Connect | Disconnect | Message


def parse(event: Mapping[str, Any]) -> Event:
    """Read an event.

    Raises UnknownEvent for anything that API Gateway does not send.
    """
    context = event.get("requestContext") if isinstance(event, Mapping) else None
    if not isinstance(context, Mapping):
        raise UnknownEvent("requestContext is missing")
    connection_id = context.get("connectionId")
    if not isinstance(connection_id, str) or not connection_id:
        raise UnknownEvent("requestContext.connectionId is missing")
    match context.get("eventType"):
        case "CONNECT":
            return Connect(connection_id, _connected_at(context))
        case "DISCONNECT":
            return Disconnect(connection_id)
        case "MESSAGE":
            return Message(connection_id, _connected_at(context), _body(event))
        case other:
            what = other[:40] if isinstance(other, str) else type(other).__name__
            raise UnknownEvent(f"requestContext.eventType is {what}")


def requested_at(event: Mapping[str, Any]) -> int | None:
    """Epoch milliseconds at which API Gateway received the event; None where it does not say."""
    milliseconds = event["requestContext"].get("requestTimeEpoch")
    return milliseconds if type(milliseconds) is int else None


def _connected_at(context: Mapping[str, Any]) -> int:
    milliseconds = context.get("connectedAt")
    if not isinstance(milliseconds, int) or isinstance(milliseconds, bool):
        raise UnknownEvent("requestContext.connectedAt is missing")
    return milliseconds // 1000


def _body(event: Mapping[str, Any]) -> str | None:
    # API Gateway closes a socket that sends binary frames (code 1003), so this is for emulators
    # and for an integration that somebody sets to convert.
    if event.get("isBase64Encoded"):
        return None
    body = event.get("body")
    return body if isinstance(body, str) else ""
