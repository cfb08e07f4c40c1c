"""The emulator's process: how it fails to start, and the log of the function that it runs."""

import subprocess
import sys
from pathlib import Path

import pytest

from counter_service.local.emulator import PYTHON_STARTUP, MiniStack
from counter_service.local.errors import LocalError


@pytest.mark.parametrize(
    ("script", "error"),
    [
        (
            "import sys; print('no disk space'); sys.exit(3)",
            r"did not start \(exit code 3\): no disk space See .*log",
        ),
        ("import time; time.sleep(60)", "did not respond within"),
    ],
)
def test_emulator_that_does_not_start_raises_an_error_and_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, error: str
) -> None:
    monkeypatch.setattr(MiniStack, "command", (sys.executable, "-c", script))
    monkeypatch.setattr("counter_service.local.emulator.START_SECONDS", 2.0)
    emulator = MiniStack("eu-central-1", tmp_path)
    with pytest.raises(LocalError, match=error), emulator:
        raise AssertionError("The emulator started.")
    assert emulator.exit_code() is not None


def test_function_log_has_the_traceback_that_a_worker_returns(tmp_path: Path) -> None:
    script = tmp_path / "fails_worker.py"
    script.write_text(
        'print(\'{"status": "error", "trace": "Traceback: no such table"}\')', encoding="utf-8"
    )
    subprocess.run(
        [sys.executable, str(script)],
        env={"PYTHONPATH": str(PYTHON_STARTUP), "FUNCTION_LOG": str(tmp_path / "function.log")},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    assert (tmp_path / "function.log").read_text(
        encoding="utf-8"
    ).strip() == "Traceback: no such table"
