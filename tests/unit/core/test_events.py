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

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
# Close enough to the real thing to get past the first check.
contexts = st.fixed_dictionaries(
    {},
    optional={
        "connectionId": st.text() | json_values,
        "eventType": st.sampled_from(["CONNECT", "DISCONNECT", "MESSAGE"]) | json_values,
        "connectedAt": st.integers() | json_values,
    },
)
lookalikes = st.fixed_dictionaries(
    {},
    optional={
        "requestContext": contexts | json_values,
        "body": st.text() | json_values,
        "isBase64Encoded": st.booleans() | json_values,
        "headers": json_values,
        "multiValueHeaders": st.dictionaries(st.sampled_from(["Origin", "x"]), json_values),
        "queryStringParameters": st.dictionaries(st.just("token"), json_values) | json_values,
    },
)


def _id(value: object) -> str:
    return "missing" if value is MISSING else repr(value)


def _with(fields: dict[str, Any], key: str, value: object) -> dict[str, Any]:
    if value is MISSING:
        del fields[key]
    else:
        fields[key] = value
    return fields


@pytest.mark.parametrize(("name", "event"), RECORDED.items(), ids=list(RECORDED))
def test_reads_what_api_gateway_sends(name: str, event: Event) -> None:
    assert events.parse(recorded(name)) == event


def _connect(**members: object) -> Connect:
    event = {key: value for key, value in recorded("connect").items() if "eaders" not in key}
    parsed = events.parse(event | members)
    assert isinstance(parsed, Connect)
    return parsed


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
def test_reads_the_origin_whatever_its_letters(
    name: str, members: Callable[[str], dict[str, Any]]
) -> None:
    assert _connect(**members(name)).origin == "https://a.test"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": ["https://a.test", "https://b.test"]},
        {"Origin": ["https://a.test"]} | {"origin": ["https://b.test"]},
    ],
    ids=["repeated", "in other letters"],
)
def test_two_origins_are_no_origin_of_any_page(headers: dict[str, list[str]]) -> None:
    assert _connect(multiValueHeaders=headers).origin == "https://a.test, https://b.test"


@pytest.mark.parametrize(
    "headers", [MISSING, None, {}, [], {"Host": "a"}, {"Origin": None}, {"Origin": 7}], ids=_id
)
def test_a_handshake_may_have_no_origin(headers: object) -> None:
    members = {} if headers is MISSING else {"headers": headers}
    assert _connect(**members).origin is None


def test_an_empty_origin_is_one() -> None:
    assert _connect(headers={"Origin": ""}).origin == ""


@pytest.mark.parametrize(
    ("offer", "subprotocols"),
    [
        ("counter", ("counter",)),
        ("counter,bearer.a.b.c", ("counter", "bearer.a.b.c")),
        (" counter ,, bearer.x", ("counter", "bearer.x")),
        ("", ()),
    ],
)
def test_reads_the_subprotocols(offer: str, subprotocols: tuple[str, ...]) -> None:
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
def test_reads_the_token_of_the_query(members: dict[str, Any], token: str | None) -> None:
    assert _connect(**members).token == token


def test_a_token_does_not_show_when_the_event_is_printed() -> None:
    event = Connect("a", 0, "https://a.test", ("counter", "bearer.secret"), "secret")
    assert "https://a.test" in repr(event)
    assert "secret" not in repr(event)


@pytest.mark.parametrize("event", [None, [], "connect", 7, True, {}], ids=repr)
def test_refuses_other_invocations(event: Any) -> None:
    with pytest.raises(UnknownEvent, match="requestContext is missing"):
        events.parse(event)


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("context", [MISSING, None, [], "connect", 7], ids=_id)
def test_refuses_an_event_without_a_context(name: str, context: object) -> None:
    event = _with(recorded(name), "requestContext", context)
    with pytest.raises(UnknownEvent, match="requestContext is missing"):
        events.parse(event)


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize("connection_id", [MISSING, None, "", 7, ["a"], {}], ids=_id)
def test_refuses_an_event_without_a_connection(name: str, connection_id: object) -> None:
    event = recorded(name)
    _with(event["requestContext"], "connectionId", connection_id)
    with pytest.raises(UnknownEvent, match="connectionId is missing"):
        events.parse(event)


@pytest.mark.parametrize("name", RECORDED)
@pytest.mark.parametrize(
    "event_type", [MISSING, None, "", "connect", "PING", 7, ["CONNECT"], {}], ids=_id
)
def test_refuses_an_event_of_another_type(name: str, event_type: object) -> None:
    event = recorded(name)
    _with(event["requestContext"], "eventType", event_type)
    with pytest.raises(UnknownEvent, match="eventType is"):
        events.parse(event)


@pytest.mark.parametrize("name", ["connect", "message-get-current", "message-increment"])
@pytest.mark.parametrize("connected_at", [MISSING, None, "1772545387218", 1.5, [1], {}], ids=_id)
def test_refuses_an_event_without_its_time(name: str, connected_at: object) -> None:
    event = recorded(name)
    _with(event["requestContext"], "connectedAt", connected_at)
    with pytest.raises(UnknownEvent, match="connectedAt is missing"):
        events.parse(event)


def test_a_disconnect_needs_no_time() -> None:
    event = recorded("disconnect")
    del event["requestContext"]["connectedAt"]
    assert events.parse(event) == Disconnect(CONNECTION_ID)


@pytest.mark.parametrize("body", [MISSING, None, 7, {"action": "increment"}, [], ""], ids=_id)
def test_a_message_without_text_is_an_empty_one(body: object) -> None:
    """The client is there and waits, so the protocol answers it."""
    event = _with(recorded("message-increment"), "body", body)
    parsed = events.parse(event)
    assert isinstance(parsed, Message)
    assert parsed.body == ""


def test_a_binary_message_has_no_text() -> None:
    event = recorded("message-increment") | {"body": "AAECAw==", "isBase64Encoded": True}
    parsed = events.parse(event)
    assert isinstance(parsed, Message)
    assert parsed.body is None


@given(lookalikes | json_values)
def test_raises_nothing_but_unknown_event(event: Any) -> None:
    with suppress(UnknownEvent):
        parsed = events.parse(event)
        assert parsed.connection_id == event["requestContext"]["connectionId"]


@pytest.mark.parametrize("value", [MISSING, None, "1772545391164", True, 1.5])
def test_message_without_a_valid_request_time_has_none(value: object) -> None:
    event = recorded("message-increment")
    _with(event["requestContext"], "requestTimeEpoch", value)
    parsed = events.parse(event)
    assert isinstance(parsed, Message)
    assert parsed.requested_at_ms is None
