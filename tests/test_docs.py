"""The documentation names only tests, files, targets, keys and messages that exist."""

import json
import re
from typing import Any

import pytest
import yaml

from counter_service.paths import ROOT
from counter_service.runtime.core import protocol
from counter_service.runtime.core.protocol import OP_ID, ErrorCode, GetCurrent, Increment

PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(
        [
            *ROOT.glob("*.md"),
            *ROOT.glob("docs/**/*.md"),
            *ROOT.glob(".github/*.md"),
            ROOT / "web/README.md",
        ]
    )
}
KEYS = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
ASYNCAPI = yaml.safe_load((ROOT / "docs/asyncapi.yaml").read_text(encoding="utf-8"))


def asyncapi() -> dict[str, dict[str, Any]]:
    messages: dict[str, dict[str, Any]] = ASYNCAPI["components"]["messages"]
    return messages


@pytest.mark.parametrize("page", PAGES)
def test_page_names_only_what_exists(page: str) -> None:
    text, folder = PAGES[page], (ROOT / page).parent
    links = re.findall(r"\]\((?!http)([^)#]+?)\)|(?:src|srcset)=\"(?!http)([^\"]+)\"", text)
    for link in (link or source for link, source in links):
        assert (folder / link).exists(), f"{page} links to {link}, which does not exist"
    for file in re.findall(r"`(tests/[\w./]+)`", text):
        exists = (ROOT / file).exists() or (folder / file).exists()
        assert exists, f"{page} names {file}, which does not exist"
    for target in re.findall(r"(?:`|^)make ([a-z][a-z0-9-]*)", text, re.MULTILINE):
        assert re.search(
            rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
        ), f"{page} names make {target}, which is not a target of the Makefile"
    for key in re.findall(r"pulumi config set (\w+) ", text):
        assert key in KEYS, f"{page} sets {key}, which Pulumi.yaml does not declare"


@pytest.mark.parametrize("page", PAGES)
def test_page_links_only_to_headings_that_exist(page: str) -> None:
    folder = (ROOT / page).parent
    for target, heading in re.findall(r"\]\((?!http)([^)#]*)#([^)]+)\)", PAGES[page]):
        linked = (folder / target if target else ROOT / page).read_text(encoding="utf-8")
        assert heading in anchors(linked), f"{page} links to {target}#{heading}: no such heading"


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_extending_names_only_files_that_exist() -> None:
    text = PAGES["docs/extending.md"]
    files = re.findall(r"`([\w.-]+(?:/[\w.-]*)+|[\w-]+\.(?:md|toml|yaml))`", text)
    assert len(files) > 80
    assert sorted({file for file in files if not (ROOT / file).exists()}) == []


def test_extending_has_a_recipe_for_each_row_of_its_table() -> None:
    text = PAGES["docs/extending.md"]
    rows = re.findall(r"^\| \[.+\]\(#(.+?)\) \|", text, re.MULTILINE)
    assert set(rows) == anchors(text) - {"everyday-changes"}


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
