"""A language host: the process in which the Pulumi CLI runs a Python program.

Pulumi's own is released as a binary and not as a Go module, so a CLI that was built with Go comes
without one. This one starts Pulumi's own script for each run, `pulumi-language-python-exec`. It
runs in `.venv` with Pulumi's SDK, and is the toolchain's only file that imports packages.

The CLI starts it with the engine's address as its last argument, and reads a port from its output.
"""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pulumi
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

# The script's exit code after it has shown the error to the user.
SHOWN = 32


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs Python programs for an engine.

    Args:
        engine: The engine's address.
        script: Path of `pulumi-language-python-exec`.
    """

    def __init__(self, engine: str, script: Path) -> None:
        self.engine = engine
        self.script = script

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:
        return plugin_pb2.PluginInfo()

    def GetRequiredPackages(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Name the providers of the installed packages, so that the CLI installs them first."""
        packages = Path(pulumi.__file__).parents[1]
        plugins = [
            json.loads(path.read_text(encoding="utf-8"))
            for path in packages.glob("*/pulumi-plugin.json")
        ]
        return language_pb2.GetRequiredPackagesResponse(
            packages=[
                plugin_pb2.PackageDependency(
                    name=plugin["name"], kind="resource", version=plugin["version"]
                )
                for plugin in plugins
                if plugin["resource"]
            ]
        )

    def Run(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Run the program once. Reports a failure as an error unless the script has shown one."""
        code = subprocess.call(
            [
                *(sys.executable, "-u", self.script, "--engine", self.engine),
                *("--monitor", request.monitor_address, "--project", request.project),
                *("--root_directory", request.info.root_directory, "--pwd", request.pwd),
                *("--stack", request.stack, "--organization", request.organization),
                *("--parallel", str(request.parallel)),
                *("--dry_run", "true" if request.dryRun else "false"),
                *(request.info.entry_point, *request.args),
            ],
            env={
                **os.environ,
                "PULUMI_CONFIG": json.dumps(dict(request.config)),
                "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
            },
        )
        if code in (0, SHOWN):
            return language_pb2.RunResponse(bail=code == SHOWN)
        return language_pb2.RunResponse(error=f"Program exited with code {code}.")


def main(arguments: list[str]) -> None:
    """Serve until the CLI, which is the parent process, ends.

    Args:
        arguments: The path of `pulumi-language-python-exec`, then what the CLI passes.
    """
    # The CLI ends its plugins with this signal, for which Python would print a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    server = grpc.server(ThreadPoolExecutor())
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(
        LanguageHost(arguments[-1], Path(arguments[0])), server
    )
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    parent = os.getppid()
    print(port, flush=True)
    while os.getppid() == parent:
        time.sleep(1)


if __name__ == "__main__":
    main(sys.argv[1:])
