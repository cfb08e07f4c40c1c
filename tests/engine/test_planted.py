"""Mistakes that the tests of this folder notice, each planted in the program."""

from collections.abc import Callable, Sequence

import pulumi
import pulumi_aws as aws
import pytest
from pulumi.automation import CommandError

from counter_service.infra.website import Website
from counter_service.infra.websocket_api import WebSocketApi
from counter_service.runtime import contract
from tests.infra.recorder import HOST

from . import conditions
from .stacks import Stack, main_program


@pytest.fixture
def new_dev(new_stack: Callable[..., Stack]) -> Stack:
    return new_stack("dev")


def test_resource_without_a_parent_is_refused(new_dev: Stack) -> None:
    def program() -> None:
        main_program()
        aws.sns.Topic("orphan")

    new_dev.program = program
    with pytest.raises(CommandError, match="Default provider for 'aws' disabled"):
        new_dev.preview()


@pytest.mark.parametrize("condition", [bool, lambda output: output == "wss://ws.example.com"])
def test_output_in_a_condition_is_refused(condition: Callable[[object], bool]) -> None:
    output = pulumi.Output.from_input("")
    assert condition(output) is not None  # Pulumi allows it
    with conditions.refused(__name__), pytest.raises(TypeError, match="unknown in a preview"):
        condition(output)


def test_resource_that_depends_on_an_output_is_not_planned(
    new_dev: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def create_topic(api: WebSocketApi) -> None:
        child = pulumi.ResourceOptions(parent=api)
        api.url.apply(lambda url: aws.sns.Topic("late", name=url[:3], opts=child))

    plant_in_api(monkeypatch, create_topic)
    planned = new_dev.preview()
    assert new_dev.up()["create"] - planned["create"] == {"late"}


def plant_in_api(monkeypatch: pytest.MonkeyPatch, use: Callable[[WebSocketApi], object]) -> None:
    original = WebSocketApi.__init__

    def planted(self: WebSocketApi, *arguments: object, **options: object) -> None:
        original(self, *arguments, **options)  # type: ignore[arg-type]
        use(self)

    monkeypatch.setattr(WebSocketApi, "__init__", planted)


def test_page_that_names_an_address_too_early_is_a_problem(
    new_dev: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Website.publish

    def planted(
        self: Website, web_socket_url: pulumi.Output[str], after: Sequence[pulumi.Resource]
    ) -> None:
        original(self, web_socket_url, after=())

    monkeypatch.setattr(Website, "publish", planted)
    new_dev.up()
    assert "there is no stage prod" in "".join(new_dev.account.problems)


def test_replacement_whose_name_is_taken_by_the_replaced_resource_fails(
    dev: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contract, "CONNECTION_KEY", "another")
    with pytest.raises(CommandError, match="aes_websocket_connections already exists"):
        dev.up(continue_on_error=True)


def test_problem_of_the_page_names_what_is_missing(dev: Stack) -> None:
    [stage] = dev.account.of("aws:apigatewayv2/stage:Stage")
    dev.account.delete(stage.type, stage.id)
    url = f"wss://{HOST}/prod"
    assert dev.account.problems == [
        f"After delete websocket-stage: config.json names {url}, but there is no stage prod."
    ]
