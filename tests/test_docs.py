"""The documentation says what is."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from counter_service.paths import ROOT
from counter_service.runtime.core import protocol
from counter_service.runtime.core.protocol import OP_ID, ErrorCode, GetCurrent, Increment

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "web/README.md"])

README = (ROOT / "README.md").read_text()
NAMED_TESTS = re.findall(
    r"`([^`]+?\.(?:py|tsx?))::([^`]+)`", (ROOT / "docs/requirements.md").read_text()
)


ASYNCAPI = yaml.safe_load((ROOT / "docs/asyncapi.yaml").read_text())


def asyncapi() -> dict[str, dict[str, Any]]:
    messages: dict[str, dict[str, Any]] = ASYNCAPI["components"]["messages"]
    return messages


@pytest.mark.parametrize(("file", "name"), NAMED_TESTS, ids=[name for _, name in NAMED_TESTS])
def test_every_test_that_stands_behind_a_promise_exists(file: str, name: str) -> None:
    source = (ROOT / file).read_text()
    definition = f"def {name}(" if file.endswith(".py") else f'it("{name}"'
    assert definition in source


def test_every_promise_has_a_test() -> None:
    rows = [
        line
        for line in (ROOT / "docs/requirements.md").read_text().splitlines()
        if line.startswith("|") and not line.startswith(("| promise", "|---"))
    ]
    assert len(rows) >= 20
    assert [row for row in rows if "::" not in row] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+?)\)|(?:src|srcset)=\"([^\"]+)\"", page.read_text()):
        link = target[0] or target[1]
        if not link.startswith("http"):
            assert (page.parent / link).exists(), link


def test_readme_shows_the_three_commands_and_the_page_at_once() -> None:
    first_screen = "\n".join(README.splitlines()[:20])
    commands = re.findall(r"^(make \w+|pulumi \w+)", first_screen, re.MULTILINE)
    assert commands == ["make run", "make test", "pulumi up"]
    assert "docs/images/page-light.png" in first_screen


def test_every_target_that_the_readme_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"(?:`|^)make ([a-z-]+)", README, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_configuration_lists_every_key_as_declared() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    table = re.findall(
        r"^\| `(\w+)` \| (\w+) \| `(.+?)` \| (.+) \|$",
        (ROOT / "docs/configuration.md").read_text(),
        re.MULTILINE,
    )
    assert [
        (key, each["type"], yaml.safe_load(default), description)
        for (key, _, default, description), each in zip(table, declared.values(), strict=True)
    ] == [
        (key, each["type"], each["default"], each["description"]) for key, each in declared.items()
    ]


def test_asyncapi_lists_every_error_code() -> None:
    payload = asyncapi()["error"]["payload"]
    assert payload["properties"]["code"]["enum"] == sorted(ErrorCode)


def test_asyncapi_examples_are_messages_of_the_protocol() -> None:
    examples = {
        name: [json.dumps(each["payload"], separators=(",", ":")) for each in message["examples"]]
        for name, message in asyncapi().items()
    }
    op_id = "q7Rk_3sYd-2oFiAC:1"
    assert [protocol.parse(each) for each in examples["increment"]] == [
        Increment(),
        Increment(op_id),
    ]
    assert [protocol.parse(each) for each in examples["getCurrent"]] == [GetCurrent()]
    assert examples["counterUpdate"] == [
        protocol.counter_update(42),
        protocol.counter_update(42, op_id),
    ]
    assert examples["error"] == [
        protocol.error(ErrorCode.UNKNOWN_ACTION),
        protocol.error(ErrorCode.BUSY, op_id),
    ]


def test_asyncapi_has_the_form_of_an_op_id() -> None:
    assert ASYNCAPI["components"]["schemas"]["opId"]["pattern"] == f"^{OP_ID.pattern}$"


def test_asyncapi_covers_every_action() -> None:
    actions = {
        message["payload"]["properties"]["action"]["const"]
        for message in asyncapi().values()
        if "action" in message["payload"]["properties"]
    }
    assert actions == set(protocol.ACTIONS)
