"""The first deployment of each stack, a refresh, and the removal."""

import json
from collections.abc import Callable

import pytest
from pulumi.automation import CommandError

from tests.infra.recorder import HOST

from .conftest import EVERYTHING
from .stacks import Stack

SOURCES = {"dev": "dev", "prod": "prod", "local": "local", "everything": "dev"}
TABLE = "aes_counter_state"


@pytest.mark.parametrize("name", SOURCES)
def test_first_preview_plans_what_up_creates_and_nothing_is_left_to_do(
    new_stack: Callable[..., Stack], name: str
) -> None:
    stack = new_stack(name, SOURCES[name], **(EVERYTHING if name == "everything" else {}))
    planned = stack.preview()
    assert planned.keys() == {"create"}
    assert stack.account.things == {}
    assert stack.up() == planned
    assert stack.account.names() == planned["create"]
    assert stack.account.problems == []
    assert stack.preview() == {}
    assert stack.refresh() == {}


def test_outputs_have_their_names_and_values(dev: Stack) -> None:
    assert json.loads(dev.command("stack", "output", "--json")) == {
        "ConnectionsTableName": "aes_websocket_connections-dev",
        "CounterTableName": "aes_counter_state-dev",
        "FunctionName": "websocket-dev",
        "WebSocketApiEndpoint": f"wss://{HOST}/prod",
        "WebsiteUrl": "https://d111111abcdef8.cloudfront.net/realtime-counter",
    }


def test_refresh_notices_what_was_deleted_by_hand_and_up_creates_it(dev: Stack) -> None:
    [stage] = dev.account.of("aws:apigatewayv2/stage:Stage")
    del dev.account.things[stage.type, stage.id]
    assert dev.refresh() == {"delete": {"websocket-stage"}}
    assert dev.up()["create"] == {"websocket-stage"}
    assert dev.preview() == {}


def test_destroy_removes_everything(dev: Stack) -> None:
    dev.destroy()
    assert dev.account.things == {}
    assert dev.account.problems == []


def test_destroy_stops_at_a_table_that_keeps_its_data(everything: Stack) -> None:
    with pytest.raises(CommandError, match="is protected"):
        everything.destroy()
    assert TABLE in everything.account.names()


def test_destroy_without_protected_resources_keeps_the_table_only(everything: Stack) -> None:
    everything.destroy(exclude_protected=True)
    assert everything.account.names() == {TABLE}
    assert everything.account.problems == []


def test_table_can_be_destroyed_after_keep_data_is_turned_off(everything: Stack) -> None:
    everything.configure(keepData="false")
    assert everything.up() == {"update": {TABLE}}
    everything.destroy()
    assert everything.account.things == {}
