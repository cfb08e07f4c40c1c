"""The language host, called as the Pulumi CLI calls it."""

import json
import subprocess
import sys
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

HOST = Path(__file__).resolve().parents[2] / "counter_service/toolchain/language_host.py"

# In place of the script that runs a program: writes down how it was called.
SCRIPT = """\
import json, os, sys
configuration = [os.environ["PULUMI_CONFIG"], os.environ["PULUMI_CONFIG_SECRET_KEYS"]]
with open(os.environ["LOG"], "w") as log:
    json.dump([sys.argv[1:], *configuration], log)
sys.exit(int(os.environ["CODE"]))
"""


class Host:
    """A language host that is running, and a connection to it.

    Args:
        folder: Where it writes down how the program was called, in `log`.
        code: The exit code of the program.
    """

    def __init__(self, folder: Path, code: int = 0) -> None:
        self.log = folder / "log"
        script = folder / "script.py"
        script.write_text(SCRIPT)
        self.process = subprocess.Popen(
            [sys.executable, "-P", HOST, script, "127.0.0.1:1"],
            env={"LOG": str(self.log), "CODE": str(code)},
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> language_pb2_grpc.LanguageRuntimeStub:
        assert self.process.stdout
        port = self.process.stdout.readline().strip()
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        return language_pb2_grpc.LanguageRuntimeStub(self.channel)

    def __exit__(self, *_: object) -> None:
        self.channel.close()
        self.process.kill()
        self.process.communicate()


@pytest.mark.parametrize(
    ("code", "error", "bail"),
    [(0, "", False), (1, "Program exited with code 1.", False), (32, "", True)],
)
def test_language_host_runs_the_program_and_reports_its_end(
    tmp_path: Path, code: int, error: str, bail: bool
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
    host = Host(tmp_path, code)
    with host as runtime:
        response = runtime.Run(request, timeout=30)
    assert (response.error, response.bail) == (error, bail)
    arguments, config, secret_keys = json.loads(host.log.read_text())
    assert arguments == [
        *("--engine", "127.0.0.1:1", "--monitor", "127.0.0.1:2"),
        *("--project", "counter-service", "--root_directory", "/repository"),
        *("--pwd", "/repository", "--stack", "dev", "--organization", "ours"),
        *("--parallel", "4", "--dry_run", "true", "."),
    ]
    assert json.loads(config) == {"aws:region": "eu-central-1"}
    assert json.loads(secret_keys) == ["counter-service:key"]


def test_language_host_names_the_providers_that_are_installed(tmp_path: Path) -> None:
    with Host(tmp_path) as runtime:
        runtime.Handshake(language_pb2.LanguageHandshakeRequest(), timeout=30)
        response = runtime.GetRequiredPackages(
            language_pb2.GetRequiredPackagesRequest(), timeout=30
        )
    assert [(package.name, package.kind) for package in response.packages] == [("aws", "resource")]
