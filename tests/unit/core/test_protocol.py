import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counter_service.runtime.core import protocol
from counter_service.runtime.core.protocol import (
    ACTIONS,
    MESSAGES,
    OP_ID,
    ErrorCode,
    GetCurrent,
    Increment,
    Invalid,
)
from tests.wire.messages import RECORDED, entries, frame

# Any text with surrogates, which the escapes of JSON can write.
texts = st.text(st.characters(codec=None, exclude_categories=()))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=10,
)


@pytest.mark.parametrize("entry", entries("clientToServer", "request"))
def test_parse_reads_each_recorded_request(entry: dict[str, Any]) -> None:
    request = Increment(entry.get("id")) if entry["request"] == "increment" else GetCurrent()
    assert protocol.parse(frame(entry)) == request


@pytest.mark.parametrize("entry", entries("clientToServer", "error"))
def test_parse_names_the_mistake_of_each_recorded_message(entry: dict[str, Any]) -> None:
    assert protocol.parse(frame(entry)) == Invalid(ErrorCode(entry["error"]))


@given(texts | json_values.map(json.dumps) | st.text('[]{}",:\\ nulltrefas0123456789.eE+-'))
def test_parse_never_raises(text: str) -> None:
    assert isinstance(protocol.parse(text), Increment | GetCurrent | Invalid)


def test_parse_error_about_the_action_names_every_action() -> None:
    for code in (ErrorCode.MISSING_ACTION, ErrorCode.UNKNOWN_ACTION):
        assert [action for action in ACTIONS if f'"{action}"' not in MESSAGES[code]] == []


@pytest.mark.parametrize("value", [0, 1, 42, 2**53 - 1])
def test_counter_update_is_written_as_recorded(value: int) -> None:
    expected = {"type": "counter-update", "value": value}
    assert _recorded(protocol.counter_update(value)) == expected


@pytest.mark.parametrize("value", [2**53, 2**53 + 1, 10**30])
@pytest.mark.parametrize("op_id", [None, "q7Rk_3sYd-2oFiAC:1"])
def test_counter_update_has_the_largest_value_that_clients_read_exactly(
    value: int, op_id: str | None
) -> None:
    update = protocol.counter_update(value, op_id)
    assert update == protocol.counter_update(protocol.MAX_VALUE, op_id)
    assert json.loads(update)["value"] == 9_007_199_254_740_991


@pytest.mark.parametrize("code", ErrorCode, ids=lambda code: code.name)
def test_error_is_written_as_recorded_with_a_sentence_for_people(code: ErrorCode) -> None:
    expected = {"type": "error", "code": str(code), "message": MESSAGES[code]}
    assert _recorded(protocol.error(code)) == expected
    assert MESSAGES[code].endswith(".")
    assert len(MESSAGES[code].split()) >= 4


def test_messages_with_an_op_id_are_written_as_recorded() -> None:
    entries = [entry for entry in RECORDED["serverToClient"] if "id" in entry]
    written = []
    for entry in entries:
        match entry["message"]:
            case {"type": "counter-update", "value": value}:
                assert protocol.counter_update(value, entry["id"]) == frame(entry)
                written.append("counter-update")
            case {"type": "error", "code": code}:
                assert protocol.error(ErrorCode(code), entry["id"]) == frame(entry)
                written.append(code)
    codes = {ErrorCode.BUSY, ErrorCode.UNAVAILABLE, ErrorCode.TOO_MANY_CLICKS}
    assert set(written) == {"counter-update", *codes}


@pytest.mark.parametrize("entry", entries("serverToClient", "message"))
def test_recorded_frame_contains_its_recorded_message_and_op_id(entry: dict[str, Any]) -> None:
    """Otherwise the tests of the two ends would be about different messages."""
    message = json.loads(frame(entry))
    assert message.items() >= entry["message"].items()
    op_id = message.get("id")
    is_op_id = isinstance(op_id, str) and OP_ID.fullmatch(op_id)
    assert (op_id if is_op_id else None) == entry.get("id")


def _recorded(text: str) -> Any:
    """The recorded message whose frame is exactly this text."""
    [message] = [
        entry["message"]
        for entry in RECORDED["serverToClient"]
        if "message" in entry and frame(entry) == text
    ]
    return message
