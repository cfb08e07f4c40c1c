"""The embedded AWS: MiniStack, as a child process that listens on loopback."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NoReturn, Self

import boto3

from counter_service.paths import ROOT
from counter_service.toolchain.places import tools

from .errors import LocalError
from .folder import naming

HOST: Final = "127.0.0.1"
# Services that the graph uses, by line: the API, the page, and monitoring.
SERVICES: Final = (
    *("apigateway", "dynamodb", "iam", "lambda", "logs", "sts"),
    *("cloudfront", "s3"),
    *("budgets", "monitoring", "sns"),
)
# On the emulator's PYTHONPATH. Python imports sitecustomize.py from this folder when it starts.
PYTHON_STARTUP: Final = Path(__file__).parent / "python_startup"
EVERY_SERVICE: Final = ()  # MiniStack starts every service if it is given none
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 1.0  # short, because its state is in memory and not kept

# Dummy credentials: MiniStack accepts any.
_CREDENTIALS: Final = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


class MiniStack:
    """One MiniStack process. Context manager: starts on entry, stops and cleans up on exit.

    Attributes:
        endpoint: URL of every AWS service, such as http://127.0.0.1:40123.
        log_file: Output of MiniStack.
        function_log: Output of the function.
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
        """
        Args:
            region: AWS region of every resource.
            folder: Where the two logs are written.
            port: Port to listen on. None: a free one.
            services: The AWS services to start, or EVERY_SERVICE.

        Raises:
            LocalError: The port is not free.
        """
        self.region = region
        self.log_file = folder / "ministack.log"
        self.function_log = folder / "function.log"
        self.port = _free_port() if port is None else _checked(port)
        self._services = services
        self._process: subprocess.Popen[bytes] | None = None
        self._scratch: str | None = None
        self._clients: dict[str, Any] = {}
        # boto3's sessions are not thread-safe; its clients are.
        self._lock = threading.Lock()

    @property
    def endpoint(self) -> str:
        """URL of the emulator's AWS APIs."""
        return f"http://{HOST}:{self.port}"

    def websocket_url(self, api_id: str) -> str:
        """URL of an API, without the stage.

        It names the API in the path, because not every machine resolves *.localhost.
        """
        return f"ws://{HOST}:{self.port}/_aws/execute-api/{api_id}"

    def session(self) -> boto3.Session:
        """A boto3 session with the emulator's dummy credentials and its region."""
        return boto3.Session(
            aws_access_key_id=_CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=_CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=self.region,
        )

    def client(self, service: str) -> Any:
        """The boto3 client of one of the emulator's services. Any thread may use it."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._session.client(service, endpoint_url=self.endpoint)
            return self._clients[service]

    @cached_property
    def _session(self) -> boto3.Session:
        return self.session()

    def exit_code(self) -> int | None:
        """The exit code of MiniStack, or None while it runs."""
        return self._process.poll() if self._process else None

    def watch(self) -> NoReturn:
        """Wait until MiniStack ends.

        Raises:
            LocalError: MiniStack has ended.
        """
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
        # MiniStack unpacks functions and keeps a pid file in TMPDIR, and does not remove them.
        with naming("TMPDIR"):
            self._scratch = tempfile.mkdtemp(prefix="counter-service-")
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        self.function_log.write_text("", encoding="utf-8")
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=self._scratch,
                env=self._environment(self._scratch),
                stdin=subprocess.PIPE,  # python_startup ends MiniStack when the pipe is closed
                stdout=log,
                stderr=subprocess.STDOUT,
                # In a session of its own: Ctrl-C then reaches only this process, which stops
                # MiniStack itself, and MiniStack's workers can be killed as one group.
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None:
                raise LocalError(
                    f"The embedded AWS did not start (exit code {self._process.returncode}): "
                    f"{self._last_log_line()} See {self.log_file}."
                )
            if time.monotonic() > deadline:
                raise LocalError(
                    f"The embedded AWS did not respond within {START_SECONDS:.0f} s. "
                    f"See {self.log_file}."
                )
            time.sleep(0.05)

    def _environment(self, scratch: str) -> dict[str, str]:
        # No AWS setting of the shell may reach the functions, so only variables that every program
        # needs are passed on, plus SSL_CERT_FILE, because a test issuer may use a private CA.
        wanted = ("PATH", "LANG", "LC_ALL", "SSL_CERT_FILE")
        kept = {name: os.environ[name] for name in wanted if name in os.environ}
        # MiniStack runs the site's CloudFront function with Node. make installs Node in this folder
        # if the machine has none.
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
            "IOT_MTLS_ENABLED": "0",  # it would listen on 8883 too
            "SFTP_ENABLED": "0",  # it would listen on 2222 too
            "HOME": scratch,
            "TMPDIR": scratch,
            "PYTHONPATH": str(PYTHON_STARTUP),
            "FUNCTION_LOG": str(self.function_log.resolve()),
        }

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint}/_ministack/ready", timeout=1) as response:
                return bool(response.status == 200)
        except OSError:
            return False

    def _stop(self) -> None:
        if self._process:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
            # Kill the workers, and MiniStack if it still runs. On macOS this fails with EPERM if
            # the group has only zombies.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            if self._process.stdin:
                self._process.stdin.close()
        if self._scratch:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _last_log_line(self) -> str:
        lines = self.log_file.read_text(encoding="utf-8", errors="replace").split("\n")
        return next(
            (line.strip() for line in reversed(lines) if line.strip()), "It printed nothing."
        )


def _free_port() -> int:
    # MiniStack takes a number, not a socket. If another process takes the port meanwhile, MiniStack
    # does not start, and the run says so.
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
                "Stop the process that uses it, or choose another port with EMULATOR_PORT= "
                "and in Pulumi.local.yaml."
            ) from problem
    return port
