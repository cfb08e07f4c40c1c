"""The command that runs only the emulator: its port, and the error for a port in use."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from counter_service.local import standalone
from counter_service.local.emulator import MiniStack
from counter_service.local.errors import LocalError
from counter_service.paths import ROOT


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.usefixtures("_restored_process")
def test_standalone_reports_a_port_in_use(taken: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert standalone.main(["--port", str(taken)]) == 1
    assert capsys.readouterr().err == (
        f"error: The embedded AWS cannot listen on port {taken}: Address already in use. "
        "Stop the process that uses it, or choose another port with EMULATOR_PORT= "
        "and in Pulumi.local.yaml.\n"
    )


def test_emulator_rejects_a_port_number_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="cannot listen on port 70000"):
        MiniStack("eu-central-1", tmp_path, port=70_000)


def test_makefile_and_pulumi_local_yaml_name_the_same_port(tmp_path: Path) -> None:
    default = re.search(
        r"^EMULATOR_PORT \?= (\d+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert default
    config = yaml.safe_load((ROOT / "Pulumi.local.yaml").read_text(encoding="utf-8"))["config"]
    (endpoints,) = config["aws:endpoints"]
    assert set(endpoints.values()) == {f"http://127.0.0.1:{default[1]}"}
    emulator = MiniStack("eu-central-1", tmp_path)
    emulator.port = int(default[1])
    base_url = config["emulator:webSocketBaseUrl"]
    assert f"{base_url}/a1b2" == emulator.websocket_url("a1b2")
