"""Constructors fit on one screen. Longer ones are split into one method per group of resources."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "counter_service").rglob("*.py"))
MAX_LINES = 50


def long_constructors(source: str) -> list[str]:
    """The classes whose __init__ has more than MAX_LINES lines."""
    return [
        definition.name
        for definition in ast.walk(ast.parse(source))
        if isinstance(definition, ast.ClassDef)
        for node in definition.body
        if isinstance(node, ast.FunctionDef) and node.name == "__init__"
        if (node.end_lineno or 0) - node.lineno + 1 > MAX_LINES
    ]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_module_has_no_long_constructor(path: Path) -> None:
    assert long_constructors(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(("lines", "found"), [(MAX_LINES, []), (MAX_LINES + 1, ["Stack"])])
def test_long_constructors_are_found(lines: int, found: list[str]) -> None:
    body = "        pass\n" * (lines - 1)
    assert long_constructors(f"class Stack:\n    def __init__(self):\n{body}") == found
