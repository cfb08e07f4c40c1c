"""The client's messages, against the recorded ones that the server and the page share."""

import json
from typing import Any

import pytest

from counter_service.client import messages
from counter_service.client.messages import Failure, Update
from counter_service.runtime.core import protocol
from counter_service.runtime.core.protocol import MESSAGES, ErrorCode, GetCurrent, Increment
from tests.wire.messages import entries, frame

OP_ID = "q7Rk_3sYd-2oFiAC:1"


@pytest.mark.parametrize("entry", entries("serverToClient", "message"))
def test_client_reads_each_recorded_message(entry: dict[str, Any]) -> None:
    message, op_id = messages.parse(frame(entry)), entry.get("id")
    match entry["message"]:
        case {"type": "counter-update", "value": value}:
            assert message == Update(value, op_id)
            assert type(value) is int
        case {"code": code, "message": text}:
            assert isinstance(message, Failure)
            assert (message.code, str(message), message.op_id) == (code, text, op_id)


@pytest.mark.parametrize("entry", entries("serverToClient", "gatewayError"))
def test_client_recognises_each_recorded_error_of_the_gateway(entry: dict[str, Any]) -> None:
    message = messages.parse(frame(entry))
    assert isinstance(message, Failure)
    assert message.code == "gateway"
    assert json.loads(entry["text"])["message"] in str(message)


@pytest.mark.parametrize("entry", entries("serverToClient", "badValue"))
def test_client_ignores_a_value_that_no_server_sends(entry: dict[str, Any]) -> None:
    assert messages.parse(frame(entry)) == Update(None)


@pytest.mark.parametrize(
    "entry", entries("serverToClient", "invalid") + entries("serverToClient", "unknown")
)
def test_client_reports_a_frame_outside_of_the_protocol(entry: dict[str, Any]) -> None:
    message = messages.parse(frame(entry))
    assert isinstance(message, Failure)
    assert message.code == "unreadable"


def test_client_reports_a_binary_frame() -> None:
    message = messages.parse(b'{"type":"counter-update","value":1}')
    assert isinstance(message, Failure)
    assert message.code == "unreadable"


def test_server_reads_what_the_client_writes() -> None:
    assert protocol.parse(messages.GET_CURRENT) == GetCurrent()
    assert protocol.parse(messages.increment()) == Increment()
    assert protocol.parse(messages.increment(OP_ID)) == Increment(OP_ID)


def test_client_reads_what_the_server_writes() -> None:
    assert messages.parse(protocol.counter_update(42, OP_ID)) == Update(42, OP_ID)


def test_click_with_an_error_is_retried_if_it_may_count_later() -> None:
    final = {code for code in ErrorCode if Failure(code, MESSAGES[code], OP_ID).is_final}
    assert set(ErrorCode) - final == {"busy", "unavailable", "too-many-clicks", "unknown-outcome"}
    assert not Failure(
        ErrorCode.BAD_ID, "Without an op id, no click is known to be wrong."
    ).is_final
