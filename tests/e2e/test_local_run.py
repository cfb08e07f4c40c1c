"""`make run`'s command: what it prints, and that nothing of it stays."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path

import pytest

from counter_service.infra import bundle
from counter_service.local import __main__ as local
from counter_service.local.deployment import deploy
from counter_service.local.emulator import FUNCTION_LOG_HOOK, MiniStack
from counter_service.local.errors import LocalError
from counter_service.local.site import Site
from counter_service.paths import ROOT
from counter_service.program import stack_config

from .conftest import Product, ask, command, eventually, running
from .processes import children_of, folder_of, processes_below, workers_of


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command, for runs that end by themselves."""
    return subprocess.run(
        command(folder, *arguments),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def refuses(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def port_of(url: str) -> int:
    return int(url.split("/")[2].split(":")[1])


def get(url: str) -> tuple[int, str, Message]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode(), answer.headers
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, "", answer.headers


# --- while it runs ------------------------------------------------------------------------------


def test_outputs_are_those_of_the_graph_and_the_page(product: Product) -> None:
    assert product.outputs.keys() == {
        "WebSocketApiEndpoint",
        "ConnectionsTableName",
        "CounterTableName",
        "FunctionName",
        "WebsiteUrl",
    }


def test_terminal_says_where_to_go(product: Product) -> None:
    terminal = (product.folder / "terminal.txt").read_text()
    assert product.page in terminal
    assert product.url in terminal
    assert f"tail -f {product.folder}/function.log" in terminal
    assert "Declared but not created" not in terminal  # the emulator supports all of this graph


def test_config_json_tells_the_page_where_to_connect(product: Product) -> None:
    origin = product.page.removesuffix("/realtime-counter")
    status, body, headers = get(f"{origin}/config.json")
    assert (status, json.loads(body)) == (200, {"webSocketUrl": product.url})
    assert headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/", "/realtime-counter", "/nowhere", "/a/b/"])
def test_every_route_is_the_page(product: Product, path: str) -> None:
    origin = product.page.removesuffix("/realtime-counter")
    status, body, _ = get(origin + path)
    assert status == 200
    assert '<div id="root">' in body


@pytest.mark.parametrize(
    "path", ["/assets/gone.js", "/config.json/", "/../pyproject.toml", "/%2e%2e/Makefile.txt"]
)
def test_what_is_not_there_is_404(product: Product, path: str) -> None:
    status, _, headers = get(product.page.removesuffix("/realtime-counter") + path)
    assert status == 404
    assert headers["Cache-Control"] == "no-cache"  # the next build may have it


def test_hashed_assets_are_kept_for_a_year(product: Product) -> None:
    (script,) = (ROOT / "web/dist/assets").glob("index-*.js")
    origin = product.page.removesuffix("/realtime-counter")
    _, _, headers = get(f"{origin}/assets/{script.name}")
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "javascript" in headers["Content-Type"]


def test_the_function_runs_the_archive_of_the_graph(product: Product) -> None:
    workers = set(workers_of(product.process.pid).values())
    assert workers
    for code in workers:
        files = sorted(p.relative_to(code).as_posix() for p in code.rglob("*") if p.is_file())
        assert files == sorted(bundle.files())


def test_what_the_function_logs_can_be_read(product: Product) -> None:
    with product.connect() as client:
        value = ask(client, '{"action":"increment"}')["value"]

    def logged() -> bool:
        lines = (product.folder / "function.log").read_text().splitlines()
        entries = [json.loads(line) for line in lines]
        return ("increment", value) in [(each["message"], each.get("value")) for each in entries]

    eventually(logged)  # the sender has its answer before the invocation ends


def test_a_traceback_of_the_function_can_be_read(tmp_path: Path) -> None:
    script = tmp_path / "fails_worker.py"
    script.write_text('print(\'{"status": "error", "trace": "Traceback: no such table"}\')')
    subprocess.run(
        [sys.executable, str(script)],
        env={"PYTHONPATH": str(FUNCTION_LOG_HOOK), "FUNCTION_LOG": str(tmp_path / "function.log")},
        check=True,
        stdout=subprocess.DEVNULL,
    )
    assert (tmp_path / "function.log").read_text().strip() == "Traceback: no such table"


# --- how it ends --------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path) as product:
        with product.connect() as client:
            ask(client, '{"action":"increment"}')
            scratch = _scratch_of(product)
            assert processes_below(scratch)
            product.process.send_signal(number)
            assert product.process.wait(20) == 0
        assert processes_below(scratch) == []
        assert not scratch.exists()
        assert refuses(port_of(product.url))
        assert refuses(port_of(product.page))
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "function.log",
            "ministack.log",
            "terminal.txt",
        ]
        assert (tmp_path / "terminal.txt").read_text().endswith("Stopped.\n")


def test_stopping_twice_still_leaves_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as product:
        scratch = _scratch_of(product)
        for _ in range(3):
            product.process.send_signal(signal.SIGINT)
        assert product.process.wait(20) == 0
        assert processes_below(scratch) == []


def test_stopping_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen(
        command(tmp_path), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    with process:
        eventually(lambda: (tmp_path / "ministack.log").exists())
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=20)
    assert process.returncode == 0, output
    assert not (tmp_path / "outputs.json").exists()
    assert children_of(process.pid) == []


def test_an_emulator_that_dies_ends_the_run(tmp_path: Path) -> None:
    with running(tmp_path) as product:
        (emulator,) = children_of(product.process.pid)
        os.kill(emulator, signal.SIGKILL)
        assert product.process.wait(20) == 1
        assert not (tmp_path / "outputs.json").exists()
    terminal = (tmp_path / "terminal.txt").read_text()
    assert "error: The embedded AWS ended by itself (exit code -9)" in terminal


def _scratch_of(product: Product) -> Path:
    (emulator,) = children_of(product.process.pid)
    return folder_of(emulator)


# --- how it fails -------------------------------------------------------------------------------


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = run(tmp_path, "--port", port)
    assert result.returncode == 1
    assert result.stderr == (
        f"error: The page cannot be served on port {port}: Address already in use. "
        "Choose another with PORT=, or leave PORT out to get a free one.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_none(tmp_path: Path) -> None:
    result = run(tmp_path, "--port", "http")
    assert result.returncode == 2
    assert "'http' is not a port: use a number from 0 to 65535" in result.stderr


def test_the_page_not_built(tmp_path: Path) -> None:
    result = run(tmp_path, "--site", str(tmp_path))
    assert result.returncode == 1
    assert result.stderr == (
        f"error: The page is not built: {tmp_path} has no index.html. Run make build.\n"
    )


def test_a_stack_that_is_not_there(tmp_path: Path) -> None:
    result = run(tmp_path, "--stack", "nowhere")
    assert result.returncode == 1
    assert result.stderr.startswith("error: There is no stack 'nowhere': use one of dev")


def test_a_wrong_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = stack_config("dev") | {"counter-service:throttleRate": "0"}
    monkeypatch.setattr(local, "stack_config", lambda _: config)
    emulators: list[MiniStack] = []

    class Watched(MiniStack):
        def __enter__(self) -> "Watched":
            emulators.append(self)
            super().__enter__()
            return self

    monkeypatch.setattr(local, "MiniStack", Watched)
    handlers = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        code = local.main(["--outputs", str(tmp_path / "outputs.json")])
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert code == 1
    assert emulators[0].exit_code() is not None


def test_an_emulator_that_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import sys; print('no room left'); sys.exit(3)"
    monkeypatch.setattr(MiniStack, "command", (*MiniStack.command[:1], "-c", script))
    with (
        pytest.raises(LocalError, match=r"did not start \(exit code 3\): no room left See .*log"),
        MiniStack("eu-central-1", tmp_path),
    ):
        raise AssertionError("it started")


def test_an_emulator_that_never_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import time; time.sleep(60)"
    monkeypatch.setattr(MiniStack, "command", (*MiniStack.command[:1], "-c", script))
    monkeypatch.setattr("counter_service.local.emulator.START_SECONDS", 0.5)
    emulator = MiniStack("eu-central-1", tmp_path)
    with pytest.raises(LocalError, match="did not answer within"), emulator:
        raise AssertionError("it started")
    assert emulator.exit_code() is not None


def test_a_function_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("counter_service.local.deployment.ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(
        "counter_service.runtime.contract.HANDLER", "counter_service.nowhere.handle"
    )
    config = stack_config("dev")
    with (
        MiniStack("eu-central-1", tmp_path) as emulator,
        pytest.raises(LocalError, match="The deployed function"),
    ):
        deploy(emulator, "dev", config)


def test_a_site_without_a_page(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="make build"):
        Site(tmp_path, 0)
