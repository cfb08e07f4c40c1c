"""Runs of pytest in forked processes, which share what this process has imported already."""

import importlib.machinery
import json
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from types import CodeType
from typing import Any, Final

import boto3  # noqa: F401 - once here instead of in every run
import hypothesis  # noqa: F401
import moto.dynamodb  # noqa: F401
import pytest
from coverage import Coverage

# A mutant may wait for ever, or use memory without a limit. The machine may be busier than it was
# when the tests' durations were recorded.
TEST_SECONDS: Final = 10
SLOWER: Final = 5
MEMORY_BYTES: Final = 4 << 30

_OPTIONS: Final = (
    *("-x", "-p", "no:cacheprovider"),
    # The packages above are imported before pytest could rewrite their assertions.
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)


@dataclass(frozen=True, slots=True)
class Baseline:
    """A run of the tests without a mutant.

    Args:
        seconds: The duration of each test.
        covering: For each file and line the tests that run it.
    """

    seconds: dict[str, float]
    covering: dict[str, dict[str, list[str]]]

    def tests(self, path: Path, lines: range | None) -> set[str]:
        """The tests that run one of these lines of the file, or any if there are no lines."""
        covering = self.covering.get(str(path), {})
        numbers = covering if lines is None else map(str, lines)
        return {test for number in numbers for test in covering.get(number, [])}


class _Recorder:
    """A pytest plugin that records a Baseline."""

    def __init__(self, folder: Path) -> None:
        self._seconds: dict[str, float] = {}
        self._coverage = Coverage(
            None, config_file=False, include=[f"{folder}/*"], concurrency=["thread", "greenlet"]
        )
        self._coverage.start()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self._coverage.switch_context(item.nodeid)
        started_at = time.monotonic()
        result = yield
        self._seconds[item.nodeid] = time.monotonic() - started_at
        return result

    def baseline(self) -> Baseline:
        self._coverage.stop()
        data = self._coverage.get_data()
        covering = {
            file: {
                str(line): [each for each in tests if each]  # "" is an import
                for line, tests in data.contexts_by_lineno(file).items()
            }
            for file in data.measured_files()
        }
        return Baseline(self._seconds, covering)


class _Selection:
    """A pytest plugin that runs these tests only, in this order, and names one that fails.

    Args:
        failed: The file for the name. Without a failure there is none.
    """

    def __init__(self, tests: Iterable[str], failed: Path) -> None:
        self._places = {test: place for place, test in enumerate(tests)}
        self._failed = failed

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [each for each in items if each.nodeid in self._places]
        items.sort(key=lambda item: self._places[item.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._failed.write_text(report.nodeid, encoding="utf-8")


def record(folder: Path, tests: Iterable[str], result: Path) -> Baseline:
    """Run the tests and record what they run in the folder, by way of the file `result`.

    Raises SystemExit if a test fails, because every mutant would then seem to be killed.
    """

    def run() -> int:
        recorder = _Recorder(folder)
        code = pytest.main([*_OPTIONS, *tests], plugins=[recorder])
        baseline = recorder.baseline()
        result.write_text(json.dumps([baseline.seconds, baseline.covering]), encoding="utf-8")
        return int(code)

    if os.waitpid(_fork(run), 0)[1]:
        raise SystemExit("error: The tests fail without a mutant. Make them pass first.")
    return Baseline(*json.loads(result.read_text(encoding="utf-8")))


def fork_tests(path: Path, source: str, tests: Mapping[str, float], folder: Path) -> int:
    """Start the tests with `source` in place of the module. Returns the process's id.

    Args:
        tests: Their names, in the order in which they run, and their durations in seconds.
        folder: For the name of a test that fails, which `finished` reads.
    """
    code = compile(source, path, "exec")  # here, or else a syntax error would seem to be killed

    def run() -> int:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        _replace(path, code)
        files = sorted({test.partition("::")[0] for test in tests})
        limit = TEST_SECONDS + SLOWER * max(tests.values())
        options = [*_OPTIONS, f"--timeout={limit}", *files]
        return int(pytest.main(options, plugins=[_Selection(tests, folder / str(os.getpid()))]))

    return _fork(run)


def finished(deadlines: dict[int, float], folder: Path) -> Iterator[tuple[int, str | None]]:
    """The processes that have ended, and what failed, or None if all tests passed. Removes them.

    Args:
        deadlines: When each process is to be killed, in seconds of time.monotonic().
        folder: That of `fork_tests`.
    """
    for pid, deadline in list(deadlines.items()):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if not ended and time.monotonic() > deadline:
            with suppress(ProcessLookupError):
                os.killpg(pid, SIGKILL)
            ended, status = os.waitpid(pid, 0)
        if ended:
            del deadlines[pid]
            failed = folder / str(pid)
            name = failed.read_text(encoding="utf-8") if failed.exists() else "no single test"
            failed.unlink(missing_ok=True)
            yield pid, name if status else None


def _fork(run: Callable[[], int]) -> int:
    """Start a process that ends with what `run` returns."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setpgid(0, 0)
        code = run()
    except BaseException:  # noqa: BLE001 - nothing may return into the parent's code
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(code)  # without what the parent has registered to run at its end


def _replace(path: Path, code: CodeType) -> None:
    """Let the import of the module run this code."""
    original: Any = importlib.machinery.SourceFileLoader.get_code

    def get_code(loader: importlib.machinery.SourceFileLoader, name: str) -> Any:
        if loader.path == str(path):
            return code
        return original(loader, name)

    setattr(importlib.machinery.SourceFileLoader, "get_code", get_code)  # noqa: B010 - mypy
