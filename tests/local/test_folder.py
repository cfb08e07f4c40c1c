"""The folder of a run: one run at a time, and its files when writing fails."""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from counter_service.local import __main__ as local
from counter_service.local import standalone
from counter_service.local.errors import LocalError
from counter_service.local.folder import owned, published
from counter_service.paths import ROOT
from tests.infra import page

OWNER = """
import sys, time
from pathlib import Path
from counter_service.local.folder import owned
with owned(Path(sys.argv[1]), "") as note:
    note("http://127.0.0.1:8080")
    print("owned", flush=True)
    time.sleep(60)
"""


@contextmanager
def owner(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that owns the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    with process:
        assert process.stdout
        assert process.stdout.readline() == "owned\n"
        try:
            yield process
        finally:
            process.kill()


def test_second_run_in_a_folder_says_where_the_first_is(tmp_path: Path) -> None:
    (tmp_path / "outputs.json").touch()
    with owner(tmp_path) as process:
        assert not (tmp_path / "outputs.json").exists()  # a killed run had left it
        (tmp_path / "outputs.json").touch()
        with pytest.raises(LocalError) as error, owned(tmp_path, "make run FOLDER=b"):
            raise AssertionError("Two runs own the folder.")
        assert str(error.value) == (
            f"A run is active in {tmp_path}: process {process.pid}, http://127.0.0.1:8080. "
            "Stop it with Ctrl-C, or start another beside it with make run FOLDER=b."
        )
        assert (tmp_path / "outputs.json").exists()


def test_killed_run_leaves_its_folder_to_the_next(tmp_path: Path) -> None:
    with owner(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        with owned(tmp_path, ""):
            assert (tmp_path / "lock").read_text(encoding="utf-8") == f"process {os.getpid()}"
    assert (tmp_path / "lock").read_text(encoding="utf-8") == ""


def test_lock_of_invalid_bytes_does_not_stop_a_run(tmp_path: Path) -> None:
    (tmp_path / "lock").write_bytes(b"\xff\xfe")
    (tmp_path / "outputs.json").write_bytes(b"\xff\xfe")
    with owned(tmp_path, ""), published(tmp_path, {"WebsiteUrl": "é"}):
        outputs = json.loads((tmp_path / "outputs.json").read_text(encoding="utf-8"))
        assert outputs == {"WebsiteUrl": "é"}
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_full_disk_leaves_no_partial_outputs_and_is_reported_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_half(path: Path, text: str, encoding: str) -> None:
        path.write_bytes(text.encode(encoding)[:5])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", write_half)
    with pytest.raises(OSError, match="No space") as error, published(tmp_path, {"a": "b"}):
        raise AssertionError("The outputs were written to a full disk.")
    assert error.value.filename == str(tmp_path / "outputs.json")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("_restored_process")
@pytest.mark.parametrize("name", ["lock", "outputs.json", "function.log", "ministack.log"])
@pytest.mark.parametrize("command", ["make run", "make emulator"])
def test_command_names_a_file_that_it_cannot_write(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, name: str
) -> None:
    folder = tmp_path / "run"
    (folder / name).mkdir(parents=True)  # root may write every file, but no folder
    if command == "make run":
        dist = page.build(tmp_path / "web") / "dist"
        assert local.main(["--folder", str(folder), "--site", str(dist)]) == 1
    else:
        assert standalone.main(["--folder", str(folder), "--port", "0"]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {folder / name}: ")
    assert error.endswith(", and run the command again.\n")
    assert "Traceback" not in error
