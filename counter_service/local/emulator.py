"""The embedded AWS: MiniStack as a child process on loopback."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import MutableMapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, NoReturn, Self

import boto3

from counter_service.paths import ROOT
from counter_service.toolchain.places import tools

from .errors import LocalError

HOST: Final = "127.0.0.1"
SERVICES: Final = (
    *("apigateway", "dynamodb", "iam", "lambda", "logs", "sts"),
    *("cloudfront", "s3"),
    *("budgets", "monitoring", "sns"),
)
# On the emulator's PYTHONPATH: makes the function's own log readable.
FUNCTION_LOG_HOOK: Final = Path(__file__).parent / "function_log"
EVERY_SERVICE: Final = ()
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 1.0  # its state is in memory: nothing is lost

# The emulator takes any credentials. These are not somebody's.
_CREDENTIALS: Final = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def isolate(environ: MutableMapping[str, str]) -> None:
    """Take a person's AWS settings and proxies out of a process that talks to an emulator.

    boto3 reads a profile even where credentials are given, and would send loopback requests
    through a proxy.
    """
    for name in [name for name in environ if name.startswith("AWS_")]:
        del environ[name]
    environ["AWS_EC2_METADATA_DISABLED"] = "true"
    environ["NO_PROXY"] = environ["no_proxy"] = f"{HOST},localhost"


class Emulator:
    """A context manager: running inside, nothing left of it outside.

    `endpoint` is the AWS endpoint of every service, for example http://127.0.0.1:40123. In the
    folder, `ministack.log` is what the emulator says and `function.log` what the function prints.
    """

    command = (sys.executable, "-m", "ministack")

    def __init__(
        self,
        region: str,
        folder: Path,
        *,
        port: int | None = None,
        services: tuple[str, ...] = SERVICES,
    ) -> None:
        """Raises LocalError when the port is not free."""
        self.region = region
        self.log_file = folder / "ministack.log"
        self.function_log = folder / "function.log"
        self.port = _free_port() if port is None else _checked(port)
        self._services = services
        self._process: subprocess.Popen[bytes] | None = None
        self._scratch: str | None = None

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    def websocket_url(self, api_id: str) -> str:
        """Where an API's stages are served. By path: *.localhost does not resolve everywhere."""
        return f"ws://{HOST}:{self.port}/_aws/execute-api/{api_id}"

    def session(self) -> boto3.Session:
        return boto3.Session(
            aws_access_key_id=_CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=self.region,
        )

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll() if self._process else None

    def watch(self) -> NoReturn:
        """Wait. Raises LocalError when it ends by itself."""
        while self.exit_code() is None:
            time.sleep(0.2)
        raise LocalError(
            f"The embedded AWS ended by itself (exit code {self.exit_code()}). See {self.log_file}."
        )

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()

    def _start(self) -> None:
        # It unpacks functions and keeps a pid file below TMPDIR, and does not tidy up.
        self._scratch = tempfile.mkdtemp(prefix="counter-service-")
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        self.function_log.write_text("")
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=self._scratch,
                env=self._environment(self._scratch),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Its own session: Ctrl-C reaches this process alone, which then stops the
                # emulator in order, and its workers can be ended as one group.
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None:
                raise LocalError(
                    f"The embedded AWS did not start (exit code {self._process.returncode}): "
                    f"{self._last_log_line()} See {self.log_file}."
                )
            if time.monotonic() > deadline:
                raise LocalError(
                    f"The embedded AWS did not answer within {START_SECONDS:.0f} s. "
                    f"See {self.log_file}."
                )
            time.sleep(0.05)

    def _environment(self, scratch: str) -> dict[str, str]:
        # No AWS setting of the person's shell may reach the functions, so only what any program
        # needs is handed on, and whom the person trusts, who may be the issuer of tokens.
        wanted = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE")
        kept = {name: os.environ[name] for name in wanted if name in os.environ}
        # Where make puts a Node on a machine without one; it runs the site's function.
        installed = tools(ROOT) / "node" / "bin"
        path = os.pathsep.join([*filter(None, [kept.get("PATH")]), str(installed)])
        return kept | {
            **_CREDENTIALS,
            "PATH": path,
            "AWS_DEFAULT_REGION": self.region,
            "MINISTACK_REGION": self.region,
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(self.port),
            "SERVICES": ",".join(self._services),
            "IOT_MTLS_ENABLED": "0",  # or it listens on 8883 as well
            "SFTP_ENABLED": "0",
            "HOME": scratch,
            "TMPDIR": scratch,
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": str(FUNCTION_LOG_HOOK),
            "FUNCTION_LOG": str(self.function_log.resolve()),
        }

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint}/_ministack/ready", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _stop(self) -> None:
        if self._process:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
            # macOS refuses a group of which only zombies are left.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)  # what is left: workers, or itself
            self._process.wait()
        if self._scratch:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _last_log_line(self) -> str:
        lines = self.log_file.read_text(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _checked(port: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as problem:
            reason = getattr(problem, "strerror", None) or problem
            raise LocalError(
                f"The embedded AWS cannot listen on port {port}: {reason}. "
                "End what does, or choose another with EMULATOR_PORT= and in Pulumi.local.yaml."
            ) from problem
    return port
