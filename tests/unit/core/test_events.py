from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counter_service.runtime.core import events
from counter_service.runtime.core.errors import UnknownEvent
from counter_service.runtime.core.events import Connect, Disconnect, Event, Message
from tests.unit.recorded import CONNECTED_AT, CONNECTION_ID, recorded

RECORDED = {
    "connect": Connect(CONNECTION_ID, CONNECTED_AT, "https://counter.example.com"),
    "message-get-current": Message(
        CONNECTION_ID, CONNECTED_AT, '{"action":"get-current"}', 1_772_545_387_530
    ),
    "message-increment": Message(
        CONNECTION_ID, CONNECTED_AT, '{"action":"increment"}', 1_772_545_391_164
    ),
    "disconnect": Disconnect(CONNECTION_ID),
}
MISSING = object()

# Values of each member of an event that API Gateway does not send, and the problem they are.
WRONG: dict[str, tuple[str, list[object]]] = {
    "requestContext": ("event: requestContext is missing", [MISSING, None, [], "connect", 7]),
    "connectionId": ("requestContext.connectionId is missing", [MISSING, None, "", 7, ["a"], {}]),
    "eventType": (
        r"requestContext.eventType is \w*",
        [MISSING, None, "", "connect", "PING", 7, ["CONNECT"], {}],
    ),
    "connectedAt": (
        r"requestContext.connectedAt is missing",
        [MISSING, None, "1772545387218", 1.5, [1], {}],
    ),
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
MEMBERS = ["requestContext", "body", "isBase64Encoded", "headers", "queryStringParameters"]
LISTS = ["multiValueHeaders", "multiValueQueryStringParameters"]
CONTEXT = ["connectionId", "eventType", "connectedAt", "requestTimeEpoch"]
FIELDS = ["Origin", "Sec-WebSocket-Protocol", "token"]


def _id(value: object) -> str:
    return "missing" if value is MISSING else repr(value)


def _with(name: str, member: str, value: object) -> dict[str, Any]:
    """The recorded event with another value of one member, or without it."""
    event = recorded(name)
    members = event if member in ("requestContext", "body") else event["requestContext"]
    members[member] = value
    if value is MISSING:
        del members[member]
    return event


def _connect(**members: object) -> Connect:
    """The recorded handshake with other headers."""
    event = {key: value for key, value in recorded("connect").items() if "eaders" not in key}
    parsed = events.parse(event | members)
    assert isinstance(parsed, Connect)
    return parsed


def _message(event: dict[str, Any]) -> Message:
    parsed = events.parse(event)
    assert isinstance(parsed, Message)
    return parsed


@pytest.mark.parametrize(("name", "event"), RECORDED.items(), ids=list(RECORDED))
def test_parse_reads_the_events_of_api_gateway(name: str, event: Event) -> None:
    assert events.parse(recorded(name)) == event


@pytest.mark.parametrize("name", ["Origin", "origin", "ORIGIN"])
@pytest.mark.parametrize(
    "members",
    [
        lambda name: {"headers": {name: "https://a.test"}},
        lambda name: {"multiValueHeaders": {name: ["https://a.test"]}},
        lambda name: {"headers": {name: "x"}, "multiValueHeaders": {name: ["https://a.test"]}},
        lambda name: {"headers": {name: "https://a.test"}, "multiValueHeaders": None},
    ],
    ids=["single", "list", "both", "null"],
)
def test_parse_reads_the_origin_in_any_case(
    name: str, members: Callable[[str], dict[str, Any]]
) -> None:
    assert _connect(**members(name)).origin == "https://a.test"


@pytest.mark.parametrize(
    ("members", "origin"),
    [
        ({}, None),
        ({"headers": None}, None),
        ({"headers": {}}, None),
        ({"headers": []}, None),
        ({"headers": {"Host": "a"}}, None),
        ({"headers": {"Origin": None}}, None),
        ({"headers": {"Origin": 7}}, None),
        ({"headers": {"Origin": ""}}, ""),
        # Two origins are the origin of no page.
        ({"multiValueHeaders": {"Origin": ["a", "b"]}}, "a, b"),
        ({"multiValueHeaders": {"Origin": ["a"], "origin": ["b"]}}, "a, b"),
    ],
)
def test_parse_reads_a_missing_or_repeated_origin(
    members: dict[str, Any], origin: str | None
) -> None:
    assert _connect(**members).origin == origin


@pytest.mark.parametrize(
    ("offer", "subprotocols"),
    [
        ("counter", ("counter",)),
        ("counter,bearer.a.b.c", ("counter", "bearer.a.b.c")),
        (" counter ,, bearer.x", ("counter", "bearer.x")),
        ("", ()),
    ],
)
def test_parse_reads_the_subprotocols(offer: str, subprotocols: tuple[str, ...]) -> None:
    name = "Sec-WebSocket-Protocol"
    assert _connect(headers={name: offer}).subprotocols == subprotocols
    lines = [each for each in offer.split(",") if each.strip()]
    assert _connect(multiValueHeaders={name: lines}).subprotocols == subprotocols


@pytest.mark.parametrize(
    ("members", "token"),
    [
        ({"queryStringParameters": {"token": "a.b.c"}}, "a.b.c"),
        ({"multiValueQueryStringParameters": {"token": ["a.b.c"]}}, "a.b.c"),
        ({"multiValueQueryStringParameters": {"token": ["a", "b"]}}, "a, b"),
        ({"queryStringParameters": {"Token": "a.b.c"}}, None),
        ({"queryStringParameters": None}, None),
        ({}, None),
    ],
)
def test_parse_reads_the_token_of_the_query(members: dict[str, Any], token: str | None) -> None:
    assert _connect(**members).token == token


def test_connect_does_not_print_its_token() -> None:
    event = _connect(
        headers={"Origin": "https://a.test", "Sec-WebSocket-Protocol": "counter, bearer.secret"},
        queryStringParameters={"token": "secret"},
    )
    assert (event.subprotocols, event.token) == (("counter", "bearer.secret"), "secret")
    assert "https://a.test" in repr(event)
    assert "secret" not in repr(event)


@pytest.mark.parametrize(
    "progress",
    [
        *(None, [], "owner", 7, {}),
        {"owner": "me", "ticket": 1},
        {"owner": None, "ticket": 1, "reached": None},
        {"owner": "me", "ticket": "1", "reached": None},
        {"owner": "me", "ticket": 1, "reached": 7},
    ],
    ids=repr,
)
def test_parse_rejects_a_self_invocation_without_progress(progress: object) -> None:
    with pytest.raises(
        UnknownEvent, match=r"event: continueBroadcast is not the progress of a broadcast[.] "
    ):
        events.parse({"continueBroadcast": progress})


@pytest.mark.parametrize("event", [None, [], "connect", 7, True, {}], ids=repr)
def test_parse_rejects_other_invocations(event: Any) -> None:
    with pytest.raises(UnknownEvent, match=r"event: requestContext is missing[.] "):
        events.parse(event)


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize(
    ("member", "value", "problem"),
    [(member, each, problem) for member, (problem, values) in WRONG.items() for each in values],
    ids=_id,
)
def test_parse_rejects_an_event_with_a_wrong_member(
    name: str, member: str, value: object, problem: str
) -> None:
    event = _with(name, member, value)
    if (name, member) == ("disconnect", "connectedAt"):  # a disconnect needs no time
        assert events.parse(event) == Disconnect(CONNECTION_ID)
        return
    with pytest.raises(UnknownEvent, match=f"{problem}[.] "):
        events.parse(event)


@pytest.mark.parametrize("body", [MISSING, None, 7, {"action": "increment"}, [], ""], ids=_id)
def test_parse_treats_a_message_without_text_as_empty(body: object) -> None:
    """The client waits for a response, which the protocol gives it."""
    assert _message(_with("message-increment", "body", body)).body == ""


def test_parse_reads_no_text_of_a_binary_message() -> None:
    event = recorded("message-increment") | {"body": "AAECAw==", "isBase64Encoded": True}
    assert _message(event).body is None


@pytest.mark.parametrize("value", [MISSING, None, "1772545391164", True, 1.5])
def test_parse_reads_no_request_time_that_is_not_valid(value: object) -> None:
    event = _with("message-increment", "requestTimeEpoch", value)
    assert _message(event).requested_at_ms is None


@given(
    st.sampled_from(list(RECORDED)),
    st.dictionaries(st.sampled_from([*MEMBERS, *LISTS]), json_values),
    st.dictionaries(st.sampled_from(LISTS), st.dictionaries(st.sampled_from(FIELDS), json_values)),
    st.dictionaries(st.sampled_from(CONTEXT), json_values),
)
def test_parse_raises_nothing_but_unknown_event(
    name: str, members: dict[str, Any], lists: dict[str, Any], context: dict[str, Any]
) -> None:
    event = recorded(name)
    event["requestContext"] |= context
    event |= members | lists
    with suppress(UnknownEvent):
        parsed = events.parse(event)
        assert parsed.connection_id == event["requestContext"]["connectionId"]
