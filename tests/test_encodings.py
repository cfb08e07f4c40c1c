"""Text files and the output of programs are UTF-8, whatever the locale says."""

import ast
from pathlib import Path

import pytest

from counter_service.paths import ROOT

FILES = [
    ROOT / "__main__.py",
    *(
        path
        for folder in ("bench", "counter_service", "simulation", "tests")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "node_modules" not in path.parts
    ),
]


def without_encoding(source: str) -> list[int]:
    """Lines with a call that takes the encoding of text from the locale."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return [call.lineno for call in calls if _is_text(call) and not _names_encoding(call)]


def _is_text(call: ast.Call) -> bool:
    function = call.func
    name = getattr(function, "attr", getattr(function, "id", ""))
    options = {each.arg: each.value for each in call.keywords}
    if name in ("read_text", "write_text"):
        return True
    if any(_is_true(options.get(each)) for each in ("text", "universal_newlines")):
        return True  # of subprocess
    if isinstance(function, ast.Attribute) and _is_other_module(function.value):
        return False
    # The built-in takes the file first, the others only the mode.
    position = 1 if isinstance(function, ast.Name) and name == "open" else 0
    mode = options.get("mode", call.args[position] if len(call.args) > position else None)
    match name, mode:
        case ("open", None):
            return True
        case ("open" | "TemporaryFile" | "NamedTemporaryFile", ast.Constant(value=str(text))):
            return "b" not in text
        case _:
            return False


def _is_true(value: ast.expr | None) -> bool:
    return isinstance(value, ast.Constant) and value.value is True


def _is_other_module(value: ast.expr) -> bool:
    """Whether `open` of this object does not open a file."""
    return isinstance(value, ast.Name) and value.id in ("os", "bundle", "opener", "archive")


def _names_encoding(call: ast.Call) -> bool:
    return any(each.arg == "encoding" for each in call.keywords)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_module_names_the_encoding_of_text(path: Path) -> None:
    assert without_encoding(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("path.read_text()", [1]),
        ("path.read_text(encoding='utf-8')", []),
        ("\npath.write_text('a')", [2]),
        ("path.open('a')", [1]),
        ("path.open()", [1]),
        ("open('a')", [1]),
        ("open('a', 'rb')", []),
        ("path.open('wb')", []),
        ("os.open('a', os.O_RDONLY)", []),
        ("subprocess.run(['ls'], text=True)", [1]),
        ("subprocess.run(['ls'], encoding='utf-8')", []),
        ("tempfile.TemporaryFile(mode='w+')", [1]),
        ("tempfile.TemporaryFile()", []),
    ],
)
def test_rule_of_encodings_finds_a_call_without_one(source: str, lines: list[int]) -> None:
    assert without_encoding(source) == lines
