"""The recorded messages, for the tests in Python."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

RECORDED: Final[dict[str, Any]] = json.loads(
    Path(__file__).with_name("messages.json").read_text(encoding="utf-8")
)


def frame(entry: dict[str, Any]) -> str:
    """The text of an entry."""
    if "text" in entry:
        return str(entry["text"])
    return "".join(text * count for text, count in entry["parts"])


def entries(direction: str, kind: str) -> list[Any]:
    """Parameters of a test: the entries of "clientToServer" or "serverToClient" of one kind."""
    return [pytest.param(entry, id=entry["name"]) for entry in RECORDED[direction] if kind in entry]
