"""`make mutation`: changes the runtime in one place after the other, and looks for a failing test.

docs/mutation-testing.md says how to read the result.
"""

import os
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

from tests.test_architecture import imports, module_name

from .mutants import Mutant, mutants
from .runs import SLOWER, Baseline, finished, fork_tests, record

ROOT: Final = Path(__file__).resolve().parents[2]
RUNTIME: Final = ROOT / "counter_service" / "runtime"
# Without the emulator, which takes seconds to start.
TESTS: Final = ("tests/unit", "tests/simulation", "tests/contracts", "-k", "not emulator")
# For each module the mutants that survive, and why no test can or should kill them.
SURVIVORS: Final = Path(__file__).with_name("survivors.toml")

# A run of the original, which shows that the tests pass in the order of a mutant's run.
UNCHANGED: Final = "unchanged"
# Longer tests run only for a survivor without a reason, because a survivor runs all of its tests.
LONGEST_TEST_SECONDS: Final = 1.5

# A module and the name of a mutant.
Name = tuple[str, str]
# What failed for each mutant, or None if every test passed.
Failures = dict[Name, str | None]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A mutant, and the tests that run its lines with their seconds, the fastest first."""

    path: Path
    mutant: Mutant
    tests: dict[str, float]
    slow_tests: dict[str, float]

    @property
    def name(self) -> Name:
        return self.path.relative_to(RUNTIME).as_posix(), self.mutant.name


def main(arguments: list[str]) -> int:
    paths = [RUNTIME / each for each in arguments] or sorted(RUNTIME.rglob("*.py"))
    if missing := [each for each in paths if not each.is_file()]:
        print(f"error: There is no {missing[0]}. Name modules as in MODULES=fanout/pace.py.")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        return _examine(paths, Path(folder))


def _examine(paths: list[Path], folder: Path) -> int:
    baseline = record(RUNTIME, TESTS, folder / "baseline.json")
    candidates = [each for path in paths for each in _candidates(path, baseline)]
    print(f"{len(candidates) - len(paths)} mutants", flush=True)
    failures = _failures(candidates, folder)
    unexplained = _survivors(failures) - explained()
    again = [
        replace(each, tests=each.slow_tests)
        for each in candidates
        if each.name in unexplained and each.mutant.name != UNCHANGED and each.slow_tests
    ]
    if again:
        print(f"{len(again)} survivors without a reason run the slow tests", flush=True)
        failures |= _failures(again, folder)
    modules = {path.relative_to(RUNTIME).as_posix() for path in paths}
    unchanged = {(module, UNCHANGED): failures.pop((module, UNCHANGED)) for module in modules}
    for (module, _), failure in unchanged.items():
        if failure:
            print(f"error: The tests of {module} fail without a mutant if they run without the")
            print(f"others, first {failure}.")
            print("Make them independent of each other first.")
            return 2
    return _report(failures, modules)


def explained() -> set[Name]:
    """The modules and names of SURVIVORS."""
    modules = tomllib.loads(SURVIVORS.read_text(encoding="utf-8"))
    return {(module, name) for module, reasons in modules.items() for name in reasons}


def _candidates(path: Path, baseline: Baseline) -> list[Candidate]:
    source = path.read_text(encoding="utf-8")
    found = []
    for mutant in [Mutant(UNCHANGED, None, lambda: source), *mutants(source)]:
        tests = covering_tests(path, mutant, baseline)
        seconds = {
            test: baseline.seconds[test] for test in sorted(tests, key=baseline.seconds.__getitem__)
        }
        fast = {test: each for test, each in seconds.items() if each < LONGEST_TEST_SECONDS}
        slow = {test: each for test, each in seconds.items() if test not in fast}
        found.append(Candidate(path, mutant, fast, slow))
    return found


def covering_tests(path: Path, mutant: Mutant, baseline: Baseline) -> set[str]:
    """The tests that run the mutant's lines.

    What runs at import, such as a constant, may have its effect in any module that imports it. A
    test may also compare it without running any line of the runtime.
    """
    if mutant.lines is not None:
        return baseline.tests(path, mutant.lines)
    importers = [each for each in RUNTIME.rglob("*.py") if _imports(each, path)]
    return {test for each in [path, *importers] for test in baseline.tests(each, None)} | {
        test for test in baseline.seconds if _imports(ROOT / test.partition("::")[0], path)
    }


def _imports(importer: Path, path: Path) -> bool:
    return f"counter_service.{module_name(path)}" in _imported(importer)


@cache
def _imported(path: Path) -> set[str]:
    module = module_name(path) if path.is_relative_to(RUNTIME) else "tests"
    return imports(module, path.read_text(encoding="utf-8"))


def _failures(candidates: list[Candidate], folder: Path) -> Failures:
    """What kills each mutant: the test that fails. None if every test passes."""
    failures: Failures = {each.name: None for each in candidates}
    waiting = [each for each in reversed(candidates) if each.tests]
    running: dict[int, Candidate] = {}
    deadlines: dict[int, float] = {}
    while waiting or running:
        while waiting and len(running) < (os.cpu_count() or 1):
            candidate = waiting.pop()
            pid = fork_tests(candidate.path, candidate.mutant.source(), candidate.tests, folder)
            running[pid] = candidate
            # A mutant may run for ever, and the machine may be busy.
            deadlines[pid] = time.monotonic() + 15 + SLOWER * sum(candidate.tests.values())
        for pid, failure in finished(deadlines, folder):
            candidate = running.pop(pid)
            failures[candidate.name] = failure
            if failure is None:
                print(f"survived: {': '.join(candidate.name)}", flush=True)
        time.sleep(0.01)
    return failures


def _survivors(failures: Failures) -> set[Name]:
    return {name for name, failure in failures.items() if failure is None}


def _report(failures: Failures, modules: set[str]) -> int:
    """Print which survivors SURVIVORS does not explain, and which of its entries are wrong."""
    survivors = _survivors(failures)
    known = {(module, name) for module, name in explained() if module in modules}
    print(f"{len(survivors)} survived, {len(survivors & known)} of them are in {SURVIVORS.name}")
    for module, name in sorted(survivors - known):
        print(f"unexplained: {module}: {name}")
    for module, name in sorted(known - survivors):
        print(f"killed, so remove it from {SURVIVORS.name}: {module}: {name}")
        print(f"  by {failures.get((module, name), 'a change of its code')}")
    return int(survivors != known)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
