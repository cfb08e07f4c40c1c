import json
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counter_service.runtime.core import protocol
from counter_service.runtime.core.protocol import (
    ACTIONS,
    MAX_MESSAGE_BYTES,
    MESSAGES,
    OP_ID,
    ErrorCode,
    GetCurrent,
    Increment,
    Invalid,
)

WIRE: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "wire" / "messages.json").read_text(encoding="utf-8")
)

KNOWN: Final = {"action", "id"}  # fields of a client's message

# Any text, surrogates included, as JSON's escapes can make them.
texts = st.text(st.characters(codec=None, exclude_categories=()))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=10,
)


def frame(entry: dict[str, Any]) -> str:
    if "text" in entry:
        return str(entry["text"])
    return "".join(text * count for text, count in entry["parts"])


def entries(direction: str, kind: str) -> list[Any]:
    return [pytest.param(entry, id=entry["name"]) for entry in WIRE[direction] if kind in entry]


@pytest.mark.parametrize("entry", entries("clientToServer", "request"))
def test_reads_a_request(entry: dict[str, Any]) -> None:
    request = Increment(entry.get("id")) if entry["request"] == "increment" else GetCurrent()
    assert protocol.parse(frame(entry)) == request


@pytest.mark.parametrize("entry", entries("clientToServer", "error"))
def test_refuses_a_mistake(entry: dict[str, Any]) -> None:
    assert protocol.parse(frame(entry)) == Invalid(ErrorCode(entry["error"]))


def test_the_actions_are_told_apart() -> None:
    assert protocol.parse('{"action":"increment"}') == Increment()
    assert protocol.parse('{"action":"get-current"}') == GetCurrent()


@given(st.from_regex(OP_ID, fullmatch=True))
def test_takes_every_op_id(op_id: str) -> None:
    text = json.dumps({"action": "increment", "id": op_id})
    assert protocol.parse(text) == Increment(op_id)


@given(json_values)
def test_takes_nothing_else_for_an_op_id(value: Any) -> None:
    text = json.dumps({"action": "increment", "id": _finite(value)})
    codes = {Invalid(ErrorCode.BAD_ID), Invalid(ErrorCode.TOO_LARGE)}
    is_id = isinstance(value, str) and OP_ID.fullmatch(value)
    assert is_id or protocol.parse(text) in codes


def test_the_longest_click_is_no_message_too_large() -> None:
    longest = {"action": "increment", "id": f"{'x' * 64}:{'9' * 15}"}
    assert len(json.dumps(longest)) < MAX_MESSAGE_BYTES


@given(texts | json_values.map(json.dumps) | st.text('[]{}",:\\ nulltrefas0123456789.eE+-'))
def test_never_raises(text: str) -> None:
    assert isinstance(protocol.parse(text), Increment | GetCurrent | Invalid)


@given(st.dictionaries(texts.filter(lambda key: key not in KNOWN), json_values, max_size=3))
def test_ignores_fields_that_it_does_not_know(fields: dict[str, Any]) -> None:
    text = json.dumps({**_finite(fields), "action": "increment"}, ensure_ascii=False)
    size = len(text.encode("utf-8", "surrogatepass"))
    too_large = Invalid(ErrorCode.TOO_LARGE)
    assert protocol.parse(text) == (Increment() if size <= MAX_MESSAGE_BYTES else too_large)


@given(json_values.filter(lambda action: not isinstance(action, str) or action not in ACTIONS))
def test_takes_no_other_action(action: Any) -> None:
    text = json.dumps({"action": _finite(action)})
    request = protocol.parse(text)
    assert request in {Invalid(ErrorCode.UNKNOWN_ACTION), Invalid(ErrorCode.TOO_LARGE)}


@pytest.mark.parametrize("value", [0, 1, 42, 2**53 - 1])
def test_writes_an_update_as_recorded(value: int) -> None:
    expected = {"type": "counter-update", "value": value}
    assert _recorded(protocol.counter_update(value)) == expected


@pytest.mark.parametrize("code", ErrorCode)
def test_writes_an_error_as_recorded(code: ErrorCode) -> None:
    expected = {"type": "error", "code": str(code), "message": MESSAGES[code]}
    assert _recorded(protocol.error(code)) == expected


ANSWERS: Final = [entry for entry in WIRE["serverToClient"] if "id" in entry]


def test_the_answers_to_op_ids_are_on_record() -> None:
    answers = [(entry["message"]["type"], entry["message"].get("code")) for entry in ANSWERS]
    codes = {ErrorCode.BUSY, ErrorCode.UNAVAILABLE, ErrorCode.TOO_MANY_CLICKS}
    assert set(answers) == {("counter-update", None), *(("error", code) for code in codes)}


@pytest.mark.parametrize("entry", [pytest.param(entry, id=entry["name"]) for entry in ANSWERS])
def test_writes_an_answer_as_recorded(entry: dict[str, Any]) -> None:
    match entry["message"]:
        case {"type": "counter-update", "value": value}:
            assert protocol.counter_update(value, entry["id"]) == frame(entry)
        case {"type": "error", "code": code}:
            assert protocol.error(ErrorCode(code), entry["id"]) == frame(entry)


@pytest.mark.parametrize("entry", entries("serverToClient", "message"))
def test_a_frame_answers_an_op_id_where_it_has_one(entry: dict[str, Any]) -> None:
    answered = json.loads(frame(entry)).get("id")
    is_id = isinstance(answered, str) and OP_ID.fullmatch(answered)
    assert (answered if is_id else None) == entry.get("id")


@pytest.mark.parametrize("entry", entries("serverToClient", "message"))
def test_the_recorded_frames_hold_the_recorded_messages(entry: dict[str, Any]) -> None:
    """Or the two ends would be tested against different things."""
    assert json.loads(frame(entry)).items() >= entry["message"].items()


@pytest.mark.parametrize("code", ErrorCode)
def test_every_error_says_something_to_people(code: ErrorCode) -> None:
    assert MESSAGES[code].endswith(".")
    assert len(MESSAGES[code].split()) >= 4


def _recorded(text: str) -> Any:
    """The message of the frame that is on record letter for letter."""
    [message] = [
        entry["message"]
        for entry in WIRE["serverToClient"]
        if "message" in entry and frame(entry) == text
    ]
    return message


def _finite(value: Any) -> Any:
    """Without what `json.dumps` writes and JSON does not have."""
    match value:
        case float():
            return value if abs(value) < float("inf") else None
        case list():
            return [_finite(item) for item in value]
        case dict():
            return {key: _finite(item) for key, item in value.items()}
    return value
