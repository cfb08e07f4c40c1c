"""A stand-in for the @connections API: nginx on a core of its own.

It responds to each post with 200 and no body, as API Gateway does, at once or after some latency.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trustme

from .errors import MachineError

HOST: Final = "127.0.0.1"
# Debian packages the timer that delays responses as a module.
MODULE: Final = Path("/usr/lib/nginx/modules/ngx_http_js_module.so")

_CONFIGURATION: Final = """
load_module {module};
daemon off; master_process off; pid {folder}/pid; error_log stderr error;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  js_path {folder}; js_import late from late.js;
  keepalive_requests 100000000; keepalive_timeout 600s; ssl_protocols TLSv1.2 TLSv1.3;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen {host}:{port} ssl;
    ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.pem;
    location /prod/ {{ return 200; }}
    location /late/ {{ js_content late.respond; }}
  }}
}}
"""
_LATE: Final = """
function respond(request) {{ setTimeout(function () {{ request.return(200); }}, {milliseconds}); }}
export default {{respond}};
"""


@dataclass(frozen=True, slots=True)
class Sink:
    """A running nginx."""

    port: int
    authority: Path  # the certificate authority that clients must trust

    def endpoint(self, *, late: bool) -> str:
        """The management endpoint for a client."""
        return f"https://{HOST}:{self.port}/{'late' if late else 'prod'}"


@contextmanager
def running(core: int, latency_ms: int) -> Iterator[Sink]:
    """Run nginx on one core until the block ends. Raises MachineError if it is not installed."""
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None or not MODULE.exists():
        raise MachineError(
            "The fan-out is measured with nginx and its JavaScript module, which this machine "
            "lacks. On Debian, run sudo apt install nginx-light libnginx-mod-http-js."
        )
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="sink-") as name:
        folder = Path(name)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(folder / "authority.pem")
        chain = authority.issue_cert(HOST).private_key_and_cert_chain_pem
        chain.write_to_path(folder / "server.pem")
        (folder / "late.js").write_text(_LATE.format(milliseconds=latency_ms), encoding="utf-8")
        configuration = folder / "nginx.conf"
        configuration.write_text(
            _CONFIGURATION.format(module=MODULE, folder=folder, host=HOST, port=port),
            encoding="utf-8",
        )
        process = subprocess.Popen([nginx, "-p", folder, "-c", configuration])
        try:
            os.sched_setaffinity(process.pid, {core})
            _wait(process, port)
            yield Sink(port, folder / "authority.pem")
        finally:
            process.terminate()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.05)
    raise MachineError(
        "nginx did not start. Correct the error that it printed above, and run make bench again."
    )
