"""The language host, called as the Pulumi CLI calls it."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from counter_service.toolchain import language_host
from counter_service.toolchain.language_host import LanguageHost

# In place of the script that runs a program: writes down how it was called.
SCRIPT = """\
import json, os, sys
configuration = [os.environ["PULUMI_CONFIG"], os.environ["PULUMI_CONFIG_SECRET_KEYS"]]
with open(os.environ["LOG"], "w") as log:
    json.dump([sys.argv[1:], *configuration], log)
sys.exit(int(os.environ["CODE"]))
"""


@pytest.mark.parametrize(
    ("code", "error", "bail"),
    [(0, "", False), (1, "Program exited with code 1.", False), (32, "", True)],
)
def test_language_host_runs_the_program_and_reports_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, error: str, bail: bool
) -> None:
    request = language_pb2.RunRequest(
        project="counter-service",
        stack="dev",
        pwd="/repository",
        config={"aws:region": "eu-central-1"},
        configSecretKeys=["counter-service:key"],
        dryRun=True,
        parallel=4,
        monitor_address="127.0.0.1:2",
        organization="ours",
        info=language_pb2.ProgramInfo(root_directory="/repository", entry_point="."),
    )
    log, script = tmp_path / "log", tmp_path / "script.py"
    script.write_text(SCRIPT, encoding="utf-8")
    monkeypatch.setenv("LOG", str(log))
    monkeypatch.setenv("CODE", str(code))
    response = LanguageHost("127.0.0.1:1", script).Run(request, None)
    assert (response.error, response.bail) == (error, bail)
    arguments, config, secret_keys = json.loads(log.read_text(encoding="utf-8"))
    assert arguments == [
        *("--engine", "127.0.0.1:1", "--monitor", "127.0.0.1:2"),
        *("--project", "counter-service", "--root_directory", "/repository"),
        *("--pwd", "/repository", "--stack", "dev", "--organization", "ours"),
        *("--parallel", "4", "--dry_run", "true", "."),
    ]
    assert json.loads(config) == {"aws:region": "eu-central-1"}
    assert json.loads(secret_keys) == ["counter-service:key"]


def test_language_host_serves_the_cli_and_names_the_providers_that_are_installed() -> None:
    process = subprocess.Popen(
        [sys.executable, "-P", language_host.__file__, "script", "127.0.0.1:1"],
        stdout=subprocess.PIPE,
        encoding="utf-8",
    )
    assert process.stdout
    with process, grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
        runtime = language_pb2_grpc.LanguageRuntimeStub(channel)
        runtime.Handshake(language_pb2.LanguageHandshakeRequest(), timeout=30)
        response = runtime.GetRequiredPackages(
            language_pb2.GetRequiredPackagesRequest(), timeout=30
        )
        process.send_signal(signal.SIGINT)  # as the CLI ends its plugins
    assert process.returncode == -signal.SIGINT
    assert [(package.name, package.kind) for package in response.packages] == [("aws", "resource")]
