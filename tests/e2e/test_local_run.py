"""`make run`'s command: what it prints, and that it leaves nothing running."""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from counter_service.infra import bundle
from counter_service.local.deployment import deploy
from counter_service.local.emulator import MiniStack
from counter_service.local.errors import LocalError
from counter_service.local.overrides import with_local_overrides
from counter_service.paths import ROOT
from counter_service.program import qualified, stack_config

from .conftest import Product, command, eventually, request, running
from .processes import children_of, folder_of, processes_below, workers_of

AUTH = {
    qualified("authIssuer"): "https://login.example.com",
    qualified("authAudience"): "counter",
}


def refuses(url: str) -> bool:
    host, port = url.split("/")[2].split(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) != 0


# --- while it runs ------------------------------------------------------------------------------


def test_local_run_publishes_its_outputs_and_prints_where_to_go(product: Product) -> None:
    assert product.outputs.keys() == {
        "WebSocketApiEndpoint",
        "ConnectionsTableName",
        "CounterTableName",
        "FunctionName",
        "WebsiteUrl",
    }
    terminal = (product.folder / "terminal.txt").read_text(encoding="utf-8")
    for text in (product.page, product.url, f"tail -f {product.folder}/function.log"):
        assert text in terminal
    assert "Declared but not created" not in terminal  # the emulator supports all of this graph


def test_the_function_runs_the_archive_of_the_graph(product: Product) -> None:
    workers = set(workers_of(product.process.pid).values())
    assert workers
    for code in workers:
        files = [p.relative_to(code).as_posix() for p in code.rglob("*") if p.is_file()]
        # Python adds bytecode, but not on Lambda, where the folder cannot be written.
        assert sorted(f for f in files if not f.endswith(".pyc")) == sorted(bundle.files())


def test_the_function_log_has_a_line_for_a_click(product: Product) -> None:
    with product.connect() as client:
        value = request(client, '{"action":"increment"}')["value"]

    def logged() -> bool:
        lines = (product.folder / "function.log").read_text(encoding="utf-8").splitlines()
        entries = [json.loads(line) for line in lines]
        return ("increment", value) in [(each["message"], each.get("value")) for each in entries]

    eventually(logged)  # the sender gets its response before the invocation ends


# --- how it ends --------------------------------------------------------------------------------


def scratch_of(product: Product) -> Path:
    (emulator,) = children_of(product.process.pid)
    return folder_of(emulator)


@pytest.mark.parametrize(
    "signals",
    [[signal.SIGINT], [signal.SIGTERM], [signal.SIGHUP], 3 * [signal.SIGINT]],
    ids=["Ctrl-C", "SIGTERM", "closed-terminal", "Ctrl-C-three-times"],
)
def test_stopping_the_local_run_leaves_nothing(
    tmp_path: Path, signals: list[signal.Signals]
) -> None:
    with running(tmp_path) as product:
        with product.connect() as client:
            request(client, '{"action":"increment"}')
            scratch = scratch_of(product)
            assert processes_below(scratch)
            for number in signals:
                product.process.send_signal(number)
            assert product.process.wait(20) == 0
        assert processes_below(scratch) == []
        assert not scratch.exists()
        assert refuses(product.url)
        assert refuses(product.page)
        assert {path.name for path in tmp_path.iterdir()} == {
            "function.log",
            "lock",
            "ministack.log",
            "terminal.txt",
        }
        assert (tmp_path / "terminal.txt").read_text(encoding="utf-8").endswith("Stopped.\n")


def test_stopping_the_local_run_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen(
        command(tmp_path),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    with process:
        eventually(lambda: (tmp_path / "ministack.log").exists())
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=20)
    assert process.returncode == 0, output
    assert not (tmp_path / "outputs.json").exists()
    eventually(lambda: processes_below(tmp_path) == [])


def test_killing_the_local_run_ends_the_emulator_and_the_function(tmp_path: Path) -> None:
    with running(tmp_path) as product:
        scratch = scratch_of(product)
        assert processes_below(tmp_path)
        product.process.kill()
        eventually(lambda: processes_below(tmp_path) == [])
        assert not scratch.exists()


def test_local_run_ends_when_the_emulator_dies(tmp_path: Path) -> None:
    with running(tmp_path) as product:
        (emulator,) = children_of(product.process.pid)
        os.kill(emulator, signal.SIGKILL)
        assert product.process.wait(20) == 1
        assert not (tmp_path / "outputs.json").exists()
    terminal = (tmp_path / "terminal.txt").read_text(encoding="utf-8")
    assert "error: The embedded AWS ended by itself (exit code -9)" in terminal


# --- how it fails -------------------------------------------------------------------------------


def test_local_run_reports_a_wrong_configuration_and_leaves_no_process(tmp_path: Path) -> None:
    result = subprocess.run(
        command(tmp_path, "--config", "throtleRate=5"),
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr == (
        "error: Configuration: throtleRate is unknown. "
        "Remove it, or use a key that Pulumi.yaml declares.\n"
    )
    assert (tmp_path / "ministack.log").exists()
    assert processes_below(tmp_path) == []


@pytest.mark.parametrize(
    ("auth", "error"),
    [
        ({}, r"The deployed function does not respond on ws:"),
        (AUTH, r"The deployed function does not start: .*nowhere"),
    ],
    ids=["over the API", "invoked directly"],
)
def test_deploy_reports_a_function_that_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, auth: dict[str, str], error: str
) -> None:
    monkeypatch.setattr("counter_service.local.deployment.RESPONSE_SECONDS", 1.0)
    monkeypatch.setattr(
        "counter_service.runtime.contract.HANDLER", "counter_service.nowhere.handle"
    )
    config = with_local_overrides(stack_config("dev") | auth, "http://127.0.0.1:8080")
    with MiniStack("eu-central-1", tmp_path) as emulator, pytest.raises(LocalError, match=error):
        deploy(emulator, "dev", config)
