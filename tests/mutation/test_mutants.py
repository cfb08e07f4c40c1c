from tests.mutation.__main__ import RUNTIME, covering_tests, explained
from tests.mutation.mutants import Mutant, mutants
from tests.mutation.runs import Baseline

SOURCE = '''"""A module."""
from typing import Final
LIMIT: Final = 2

class Box:
    """A class."""
    __slots__ = ("_size",)

    def grow(self, by: int = 1) -> bool:
        """Text is not changed."""
        if not by and self._size < LIMIT:
            self._size += max(by, 0)
            log.warning("grown")
        return self._size is by
'''

NAMES = {
    "LIMIT: Final = 2 -> LIMIT: Final = 3",
    "Box: def grow(self, by: int=1) -> bool: -> def grow(self, by: int=2) -> bool:",
    *(
        f"Box.grow: if not by and self._size < LIMIT: -> if {condition}:"
        for condition in (
            "not (not by and self._size < LIMIT)",
            "by and self._size < LIMIT",
            "not by or self._size < LIMIT",
            "not by and self._size <= LIMIT",
        )
    ),
    *(
        f"Box.grow: self._size += max(by, 0) -> {statement}"
        for statement in (
            "pass",
            "self._size -= max(by, 0)",
            "self._size += min(by, 0)",
            "self._size += max(by, 1)",
        )
    ),
    "Box.grow: log.warning('grown') -> pass",
    "Box.grow: log.warning('grown') -> log.warning('grown~')",
    "Box.grow: return self._size is by -> return None",
    "Box.grow: return self._size is by -> return self._size is not by",
}


def test_mutants_of_a_module_change_one_place_each() -> None:
    found = list(mutants(SOURCE))
    assert {each.name for each in found} == NAMES
    sources = {each.source() for each in found}
    assert len(sources) == len(NAMES)
    for source in sources:
        compile(source, "a mutant", "exec")


def test_mutants_with_equal_statements_are_numbered() -> None:
    found = mutants("for each in them:\n    if each: continue\n    continue")
    names = [each.name for each in found if "break" in each.name]
    assert names == ["continue -> break", "continue -> break (2)"]


def test_mutant_knows_the_lines_that_run_it() -> None:
    lines = {each.name.partition(" ->")[0]: each.lines for each in mutants(SOURCE)}
    assert lines["LIMIT: Final = 2"] is None
    assert lines["Box: def grow(self, by: int=1)"] is None
    assert lines["Box.grow: log.warning('grown')"] == range(13, 14)


def test_constant_is_tested_by_the_tests_of_the_modules_that_import_it() -> None:
    contract, settings = RUNTIME / "contract.py", RUNTIME / "settings.py"
    covering = {contract: "test_contract", settings: "test_settings"}
    baseline = Baseline({}, {str(path): {"7": [test]} for path, test in covering.items()})
    constant, statement = Mutant("", None, str), Mutant("", range(7, 8), str)
    assert covering_tests(contract, constant, baseline) == {"test_contract", "test_settings"}
    assert covering_tests(contract, statement, baseline) == {"test_contract"}
    assert covering_tests(settings, constant, baseline) == {"test_settings"}


def test_constant_is_tested_by_the_tests_that_only_compare_it() -> None:
    compares = "tests/unit/dynamodb/test_client.py::test_two_attempts_take_store_ms"
    baseline = Baseline({compares: 0.1, "tests/unit/test_logs.py::test_of_another_module": 0.1}, {})
    broadcast = RUNTIME / "core" / "broadcast.py"
    assert covering_tests(broadcast, Mutant("", None, str), baseline) == {compares}


def test_explained_survivors_are_mutants() -> None:
    """An explanation goes with the code that it is about."""
    names = {
        (path.relative_to(RUNTIME).as_posix(), mutant.name)
        for path in RUNTIME.rglob("*.py")
        for mutant in mutants(path.read_text(encoding="utf-8"))
    }
    assert explained() - names == set()
