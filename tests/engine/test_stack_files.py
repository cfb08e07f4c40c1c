"""Pulumi's engine gives the verdicts that the table of stack files records."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from counter_service.paths import ROOT
from counter_service.stack_files import config as stack_files
from counter_service.toolchain import pulumi_cli
from counter_service.toolchain.errors import ToolchainError
from counter_service.toolchain.language_host import LanguageHost
from tests.local.stack_files import CASES, NAME, STACK, Case, write

SECONDS = 60


class RecordingHost(LanguageHost):
    """A language host that keeps the configuration in place of running a program with it."""

    def __init__(self) -> None:
        super().__init__("", Path())
        self.passed: dict[str, str] | None = None

    def GetRequiredPackages(self, request: Any, context: grpc.ServicerContext) -> Any:
        return language_pb2.GetRequiredPackagesResponse()

    def Run(self, request: Any, context: grpc.ServicerContext) -> Any:
        self.passed = dict(request.config)
        return language_pb2.RunResponse()


class Engine:
    """A stack in a folder of its own, with its state and the CLI's home beside it."""

    def __init__(self, pulumi: Path, root: Path, host: RecordingHost, port: int) -> None:
        self.root = root
        self.host = host
        self.bin = root / "bin"
        self.bin.mkdir()
        # The CLI starts the language host beside it, and reads the port from its output.
        shutil.copy2(pulumi, self.bin / "pulumi")
        starter = self.bin / "pulumi-language-python"
        starter.write_text(f"#!/bin/sh\necho {port}\nexec sleep {SECONDS}\n", encoding="utf-8")
        starter.chmod(0o755)
        for name in ("home", "state"):
            (root / name).mkdir()

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.bin / "pulumi", *arguments, "--stack", STACK, "--non-interactive"],
            cwd=self.root,
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
            env={
                "HOME": str(self.root),
                "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
                "PULUMI_HOME": str(self.root / "home"),
                "PULUMI_BACKEND_URL": f"file://{self.root / 'state'}",
                "PULUMI_CONFIG_PASSPHRASE": "test",
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            },
        )

    def preview(self, content: bytes) -> tuple[dict[str, str] | None, str]:
        """The configuration that the program would get, or None, and the CLI's output."""
        self.host.passed = None
        (self.root / NAME).unlink(missing_ok=True)
        write(content, self.root)
        done = self.run("preview")
        printed = done.stdout + done.stderr
        assert (done.returncode == 0) == (self.host.passed is not None), printed
        return self.host.passed, printed


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    try:
        pulumi = pulumi_cli.find(ROOT)
    except ToolchainError as problem:
        pytest.skip(str(problem))
    host = RecordingHost()
    server = grpc.server(ThreadPoolExecutor())
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        engine = Engine(pulumi, tmp_path_factory.mktemp("engine"), host, port)
        write(None, engine.root)
        created = engine.run("stack", "init")
        assert created.returncode == 0, created.stderr
        yield engine
    finally:
        server.stop(None).wait()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_engine_gives_the_verdict_of_the_table(case: Case, engine: Engine, tmp_path: Path) -> None:
    passed, printed = engine.preview(case.content)
    if case.refused_by == "engine":
        assert passed is None
    else:
        write(case.content, tmp_path)
        assert passed == stack_files.read(STACK, tmp_path).values, printed
