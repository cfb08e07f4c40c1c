"""A stand-in for the @connections API, nginx, which has a core of its own and answers at once.

Each post is answered as API Gateway does it, 200 without a body, if asked to after some latency. It
is DynamoDB, too, for whoever lists the audience: a request to / is answered with one page of it.
"""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import trustme

HOST: Final = "127.0.0.1"
# Debian builds the timer that answers late as a module of its own.
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
    listen {host}:{http}; listen {host}:{https} ssl;
    ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.pem;
    location /prod/ {{ return 200; }}
    location /late/ {{ js_content late.answer; }}
    location = / {{ root {folder}; error_page 405 =200 /page.json; try_files /page.json =404; }}
    location = /page.json {{ internal; root {folder}; error_page 405 =200 /page.json; }}
  }}
}}
"""
_LATE: Final = """
function answer(request) {{ setTimeout(function () {{ request.return(200); }}, {milliseconds}); }}
export default {{answer}};
"""


class SinkError(Exception):
    """Why the sink does not start, and what to do, in whole sentences."""


@dataclass(frozen=True, slots=True)
class Sink:
    http: int
    https: int
    authority: Path  # the one certificate authority that its clients are to trust

    def endpoint(self, scheme: str, *, late: bool = False) -> str:
        """The management endpoint to give to a client."""
        port = self.https if scheme == "https" else self.http
        return f"{scheme}://{HOST}:{port}/{'late' if late else 'prod'}"


@contextmanager
def running(core: int, latency_ms: int, audience: Iterable[str] = ()) -> Iterator[Sink]:
    """nginx, on that core alone; `audience` is what a Scan of its table lists. Raises SinkError."""
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None or not MODULE.exists():
        raise SinkError(
            "The fan-out is measured with nginx and its JavaScript module, which this machine "
            "lacks. On Debian, run sudo apt install nginx-light libnginx-mod-http-js."
        )
    http, https = _free_ports(2)
    with tempfile.TemporaryDirectory(prefix="sink-") as name:
        folder = Path(name)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(folder / "authority.pem")
        authority.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(
            folder / "server.pem"
        )
        (folder / "late.js").write_text(_LATE.format(milliseconds=latency_ms))
        rows = [{"connectionId": {"S": connection_id}} for connection_id in audience]
        (folder / "page.json").write_text(json.dumps({"Items": rows, "Count": len(rows)}))
        configuration = folder / "nginx.conf"
        configuration.write_text(
            _CONFIGURATION.format(module=MODULE, folder=folder, host=HOST, http=http, https=https)
        )
        process = subprocess.Popen([nginx, "-p", folder, "-c", configuration])
        try:
            os.sched_setaffinity(process.pid, {core})
            _wait(process, http)
            yield Sink(http, https, folder / "authority.pem")
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
    raise SinkError("nginx did not start. Correct what it printed above, and run make bench again.")


def _free_ports(number: int) -> list[int]:
    sockets = [socket.create_server((HOST, 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
