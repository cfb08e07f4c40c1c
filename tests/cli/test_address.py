"""Which counter a command connects to."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from counter_service.cli import address
from counter_service.cli.address import Address, find
from counter_service.cli.errors import UsageError
from counter_service.toolchain import pulumi_cli
from counter_service.toolchain.errors import ToolchainError

DEPLOYED = {
    "WebSocketApiEndpoint": "wss://abc.execute-api.eu-central-1.amazonaws.com/prod",
    "WebsiteUrl": "https://d111.cloudfront.net/realtime-counter",
}
LOCAL = {
    "WebSocketApiEndpoint": "ws://127.0.0.1:8080/prod",
    "WebsiteUrl": "http://127.0.0.1:8080/realtime-counter",
}


def outputs(found: object) -> Callable[[str | None], str]:
    return lambda stack: found if isinstance(found, str) else json.dumps(found)


def no_stack(_: str | None) -> str:
    raise ToolchainError("The Pulumi CLI is not installed.")


@pytest.fixture
def running(tmp_path: Path) -> Path:
    """A checkout in which `make run` is running."""
    (tmp_path / ".local").mkdir()
    (tmp_path / address.LOCAL_OUTPUTS).write_text(json.dumps(LOCAL), encoding="utf-8")
    return tmp_path


def test_url_of_the_argument_comes_first(running: Path) -> None:
    assert find("wss://a.test/prod", root=running) == Address(
        "wss://a.test/prod", None, None, "the argument"
    )


def test_address_of_the_local_run_comes_before_the_selected_stack(running: Path) -> None:
    assert find(None, root=running, read_stack=outputs(DEPLOYED)) == Address(
        LOCAL["WebSocketApiEndpoint"],
        "http://127.0.0.1:8080",
        LOCAL["WebsiteUrl"],
        ".local/outputs.json",
    )


def test_address_of_the_selected_stack_has_the_origin_of_its_page(tmp_path: Path) -> None:
    assert find(None, root=tmp_path, read_stack=outputs(DEPLOYED)) == Address(
        DEPLOYED["WebSocketApiEndpoint"],
        "https://d111.cloudfront.net",
        DEPLOYED["WebsiteUrl"],
        "the selected stack",
    )


def test_named_stack_comes_before_the_local_run(running: Path) -> None:
    asked = []

    def read(stack: str | None) -> str:
        asked.append(stack)
        return json.dumps(DEPLOYED)

    found = find(None, "prod", root=running, read_stack=read)
    assert (found.url, found.source) == (DEPLOYED["WebSocketApiEndpoint"], "the stack prod")
    assert asked == ["prod"]


def test_given_origin_replaces_that_of_the_page(running: Path) -> None:
    assert find(None, origin="https://b.test", root=running).origin == "https://b.test"
    assert find("ws://a.test", origin="https://b.test").origin == "https://b.test"


def test_stack_without_a_page_has_no_origin(tmp_path: Path) -> None:
    only_api = outputs({"WebSocketApiEndpoint": "wss://a.test/prod"})
    assert find(None, root=tmp_path, read_stack=only_api).origin is None


def test_stack_is_read_with_the_pulumi_cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def ask(root: Path, arguments: list[str]) -> str:
        asked.append((root, arguments))
        return json.dumps(DEPLOYED)

    monkeypatch.setattr(pulumi_cli, "ask", ask)
    find(None, root=tmp_path)
    find(None, "prod", root=tmp_path)
    assert asked == [
        (tmp_path, ["stack", "output", "--json"]),
        (tmp_path, ["stack", "output", "--json", "--stack", "prod"]),
    ]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/realtime-counter", "a.test/prod", "wss://", "ws://[", "ws://a:b"]
)
def test_url_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        find(url)
    assert str(caught.value) == (
        f"{url!r}, from the argument, is no WebSocket URL. It begins with ws:// or wss://, such as "
        "the stack's output WebSocketApiEndpoint."
    )


@pytest.mark.parametrize(
    ("url", "is_loopback"),
    [
        ("ws://127.0.0.1:8080/prod", True),
        ("ws://[::1]:8080/prod", True),
        ("ws://LOCALHOST:8080/prod", True),
        ("ws://192.168.0.1:8080/prod", False),
        ("wss://localhost.example.com/prod", False),
    ],
)
def test_address_knows_whether_it_is_on_this_machine(url: str, is_loopback: bool) -> None:
    assert find(url).is_loopback is is_loopback


def test_url_and_stack_together_are_refused() -> None:
    with pytest.raises(UsageError, match=r"Give a URL or --stack, not both\."):
        find("ws://a.test", "prod")


def test_error_without_any_counter_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find(None, root=tmp_path, read_stack=no_stack)
    assert str(caught.value) == (
        "There is no counter to connect to. make run is not running here (.local/outputs.json "
        "does not exist), and Pulumi has no outputs: The Pulumi CLI is not installed. Start one "
        "with make run, name a deployed one with --stack, or give the URL as an argument."
    )


@pytest.mark.parametrize(
    ("read", "problem"),
    [
        (no_stack, "The Pulumi CLI is not installed"),
        (outputs({}), "the stack prod has no WebSocketApiEndpoint"),
    ],
)
def test_error_about_a_stack_says_how_to_deploy_it(
    tmp_path: Path, read: Callable[[str | None], str], problem: str
) -> None:
    with pytest.raises(UsageError) as caught:
        find(None, "prod", root=tmp_path, read_stack=read)
    assert str(caught.value) == (
        f"The address of the stack prod is unknown: {problem}. Deploy it with make up STACK=prod, "
        "or give the URL as an argument."
    )


@pytest.mark.parametrize("text", ["", "[]", "{"])
def test_outputs_that_are_no_object_are_reported(running: Path, text: str) -> None:
    (running / address.LOCAL_OUTPUTS).write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="is no JSON object of outputs"):
        find(None, root=running)


def test_outputs_that_cannot_be_read_are_reported(tmp_path: Path) -> None:
    (tmp_path / address.LOCAL_OUTPUTS).mkdir(parents=True)
    with pytest.raises(UsageError, match=r"outputs\.json cannot be read: Is a directory"):
        find(None, root=tmp_path)
