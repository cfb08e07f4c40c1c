"""Parses API Gateway's WebSocket events.

Their shapes are in docs.aws.amazon.com/apigateway/latest/developerguide/
apigateway-websocket-api-mapping-template-reference.html, and tests/events/ has recorded ones.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from .errors import UnknownEvent
from .ports import Progress


@dataclass(frozen=True, slots=True)
class Connect:
    """A handshake. The connection opens after our response, so nothing can be posted to it yet."""

    connection_id: str
    connected_at: int  # epoch seconds
    origin: str | None = None  # as sent; None: the header is missing
    subprotocols: tuple[str, ...] = field(default=(), repr=False)  # one of them may be a token
    token: str | None = field(default=None, repr=False)  # from the query string


@dataclass(frozen=True, slots=True)
class Disconnect:
    """The connection is closed. Best effort: this may arrive late, twice or never."""

    connection_id: str


@dataclass(frozen=True, slots=True)
class Message:
    """One frame from a client."""

    connection_id: str
    connected_at: int  # epoch seconds
    body: str | None  # None: the frame was binary
    requested_at_ms: int | None = None  # when API Gateway received it; None: not stated


@dataclass(frozen=True, slots=True)
class ContinueBroadcast:
    """The function invoked itself to continue a broadcast.

    No client can send this, because API Gateway wraps what clients send in its own event.
    """

    progress: Progress
    connection_id: None = None


Event = Connect | Disconnect | Message | ContinueBroadcast

CONTINUE_BROADCAST: Final = "continueBroadcast"  # the only member of a self-invocation's event


def parse(event: Mapping[str, Any]) -> Event:
    """Parse an event. Raises UnknownEvent for anything that API Gateway does not send."""
    if isinstance(event, Mapping) and CONTINUE_BROADCAST in event:
        return _continue_broadcast(event[CONTINUE_BROADCAST])
    context = event.get("requestContext") if isinstance(event, Mapping) else None
    if not isinstance(context, Mapping):
        raise UnknownEvent("requestContext is missing")
    connection_id = context.get("connectionId")
    if not isinstance(connection_id, str) or not connection_id:
        raise UnknownEvent("requestContext.connectionId is missing")
    match context.get("eventType"):
        case "CONNECT":
            return _connect(event, connection_id, _connected_at(context))
        case "DISCONNECT":
            return Disconnect(connection_id)
        case "MESSAGE":
            return Message(
                connection_id,
                _connected_at(context),
                _body(event),
                _milliseconds(context, "requestTimeEpoch"),
            )
        case other:
            what = other[:40] if isinstance(other, str) else type(other).__name__
            raise UnknownEvent(f"requestContext.eventType is {what}")


def continue_broadcast(progress: Progress) -> dict[str, Any]:
    """The event of a self-invocation."""
    return {CONTINUE_BROADCAST: asdict(progress)}


def _continue_broadcast(members: Any) -> ContinueBroadcast:
    match members:
        case {"owner": str(owner), "ticket": int(ticket), "reached": str() | None as reached}:
            return ContinueBroadcast(Progress(owner, ticket, reached))
    raise UnknownEvent(f"{CONTINUE_BROADCAST} is not the progress of a broadcast")


def _connected_at(context: Mapping[str, Any]) -> int:
    milliseconds = _milliseconds(context, "connectedAt")
    if milliseconds is None:
        raise UnknownEvent("requestContext.connectedAt is missing")
    return milliseconds // 1000


def _milliseconds(context: Mapping[str, Any], name: str) -> int | None:
    value = context.get(name)
    return value if type(value) is int else None  # bool is a subclass of int


def _connect(event: Mapping[str, Any], connection_id: str, connected_at: int) -> Connect:
    offers = _header(event, "sec-websocket-protocol") or ""
    return Connect(
        connection_id,
        connected_at,
        origin=_header(event, "origin"),
        subprotocols=tuple(offer.strip() for offer in offers.split(",") if offer.strip()),
        token=_joined(
            _values(event, "multiValueQueryStringParameters", "queryStringParameters", "token")
        ),
    )


def _header(event: Mapping[str, Any], name: str) -> str | None:
    return _joined(_values(event, "multiValueHeaders", "headers", name, str.lower))


def _values(
    event: Mapping[str, Any],
    lists: str,
    singles: str,
    name: str,
    case: Callable[[str], str] = str,
) -> list[str]:
    """Every value of one header or query parameter.

    Args:
        lists: The event's member that has all values of a field.
        singles: The member to use if `lists` does not have the field. It has only the last value.
        name: The field's name.
        case: Applied to the fields' names before they are compared with `name`.
    """
    for member in (lists, singles):
        fields = event.get(member)
        if isinstance(fields, Mapping):
            found = [value for key, value in fields.items() if case(str(key)) == name]
            if found:
                flat = [each if isinstance(each, list) else [each] for each in found]
                return [text for values in flat for text in values if isinstance(text, str)]
    return []


def _joined(values: list[str]) -> str | None:
    # HTTP joins the values of a repeated field like this (RFC 9110, 5.3). Neither an origin nor a
    # token contains a comma, so a request with two of them is rejected.
    return ", ".join(values) if values else None


def _body(event: Mapping[str, Any]) -> str | None:
    # API Gateway closes a connection that sends binary frames (code 1003). Emulators do not, nor
    # does an integration that is configured to convert them.
    if event.get("isBase64Encoded"):
        return None
    body = event.get("body")
    return body if isinstance(body, str) else ""
