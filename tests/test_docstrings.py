"""Every public module, class and function of counter_service has a docstring."""

import ast
from collections.abc import Iterator

import pytest

from counter_service.paths import ROOT

PACKAGE = ROOT / "counter_service"
TREES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(PACKAGE.rglob("*.py"))
}
Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def base_names(definition: ast.ClassDef) -> set[str]:
    return {ast.unparse(base).split("[")[0] for base in definition.bases}


def methods(definition: ast.ClassDef) -> set[str]:
    return {each.name for each in definition.body if isinstance(each, ast.FunctionDef)}


CLASSES = {
    definition.name: definition
    for tree in TREES.values()
    for definition in ast.walk(tree)
    if isinstance(definition, ast.ClassDef)
}
PORTS = [methods(each) for each in CLASSES.values() if "Protocol" in base_names(each)]
# Bases that document none of the methods of their subclasses.
KINDS = {"Protocol", "TypedDict", "StrEnum", "IntEnum", "Exception", "RuntimeError"}


def documented_elsewhere(definition: ast.ClassDef) -> set[str]:
    """The methods that a class implements for a port or overrides, which are documented there."""
    own = methods(definition)
    if "Protocol" in base_names(definition):
        return set()
    inherited: set[str] = set()
    for base in base_names(definition) - KINDS:
        # The documentation of a package's class is in the package.
        inherited |= methods(CLASSES[base]) if base in CLASSES else own
    return inherited.union(*(port for port in PORTS if port <= own))


def undocumented(tree: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[str]:
    exempt = documented_elsewhere(tree) if isinstance(tree, ast.ClassDef) else set()
    for definition in tree.body:
        if not isinstance(definition, Definition) or definition.name.startswith("_"):
            continue
        if definition.name not in exempt and ast.get_docstring(definition) is None:
            yield prefix + definition.name
        if isinstance(definition, ast.ClassDef):
            yield from undocumented(definition, f"{prefix}{definition.name}.")


@pytest.mark.parametrize("path", TREES)
def test_public_names_have_docstrings(path: str) -> None:
    tree = TREES[path]
    missing = list(undocumented(tree))
    assert missing == [], f"Write a docstring for {', '.join(missing)} in {path}."
    if tree.body:
        assert ast.get_docstring(tree), f"Write a docstring for the module {path}."


def test_docstring_rule_finds_what_has_none() -> None:
    tree = ast.parse(
        "class Documented:\n"
        "    '''A class.'''\n"
        "    def public(self): ...\n"
        "    def _private(self): ...\n"
        "class Store(CounterStore):\n"
        "    def increment(self): ...\n"
        "    def reset(self): ...\n"
        "class Port(Protocol):\n"
        "    '''A port.'''\n"
        "    def method(self): ...\n"
        "def function(): ...\n"
    )
    expected = ["Documented.public", "Store", "Store.reset", "Port.method", "function"]
    assert list(undocumented(tree)) == expected
