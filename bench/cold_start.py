"""How long does a click wait for a new function, and what does starting it cost?

Each start is a fresh process that imports the code from its unpacked archive, builds its clients
and serves one increment for ten clients, over TLS, from a stub with canned answers. Ours is what
the archive has in it, compiled anew each time as in Lambda, where the archive is read-only.
Beside it: the handler as the tutorials write it, two low-level clients of boto3, the same of
botocore alone, and a prototype that speaks to DynamoDB without either.

CPU is the figure to trust. In Lambda the init phase has a whole core, the first event only the
memory setting's share of one.
"""

import compileall
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import botocore
import trustme

from .report import ROOT, Bar, Report, Table
from .rounds import Sample, interleaved, middle, ratio

ROUNDS: Final = 15
AUDIENCE: Final = 10

OURS, USUAL = "ours", "the usual handler"
TWO_CLIENTS, BOTOCORE = "two boto3 clients", "two botocore clients"
PROTOTYPE = "prototype: DynamoDB over our own transport"
PEERS: Final = {
    OURS: "counter_service.runtime.handler",
    USUAL: "handler",
    TWO_CLIENTS: "two_clients",
    BOTOCORE: "botocore_alone",
    PROTOTYPE: "own_transport",
}
SHARE: Final = 0.8  # of the usual handler's CPU
EVENT: Final = (ROOT / "tests/events/message-increment.json").read_text()


def main(rounds: int = ROUNDS) -> None:
    with tempfile.TemporaryDirectory(prefix="cold-start-") as name, stub(Path(name)) as port:
        folder = Path(name)
        archives = {peer: pack(peer, folder) for peer in PEERS}
        environ = environment(folder, port)
        starts: dict[str, Callable[[], Sample]] = {
            peer: partial(start, folder / peer, module, environ) for peer, module in PEERS.items()
        }
        compile_sdk()
        samples = interleaved(starts, rounds)
    report(samples, archives).publish()


def compile_sdk() -> None:
    """Lambda brings the SDK with its bytecode; pip was told not to write any."""
    packages = Path(botocore.__file__).parents[1]
    for name in ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3"):
        compileall.compile_dir(str(packages / name), quiet=1)
    compileall.compile_file(str(packages / "six.py"), quiet=1)


def files_of_ours() -> list[str]:
    """Of the archive, as the graph lists them. Asked of the environment that has Pulumi."""
    program = (
        "import json; from counter_service.infra.bundle import FILES; print(json.dumps(FILES))"
    )
    python = ROOT / ".venv" / "bin" / "python"
    done = subprocess.run(
        [python, "-W", "ignore", "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    files: list[str] = json.loads(done.stdout)
    return files


def pack(peer: str, folder: Path) -> int:
    """Make the archive, unpack it into the folder as Lambda does, and return its bytes."""
    archive = folder / f"{peer}.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, path in contents(peer).items():
            bundle.write(path, name)
    with zipfile.ZipFile(archive) as bundle:
        bundle.extractall(folder / peer)
    for roots in (folder / peer).rglob("amazon_roots.pem"):
        # The stub's authority comes on top, so that reading what is there still costs its time.
        roots.write_text(roots.read_text() + (folder / "authority.pem").read_text())
    return archive.stat().st_size


def contents(peer: str) -> dict[str, Path]:
    """Names in the archive, and the files that are there."""
    here = ROOT / "bench"
    if peer == USUAL:
        return {"handler.py": here / "usual" / "handler.py"}
    if peer in (TWO_CLIENTS, BOTOCORE):
        return {name: here / "usual" / name for name in (f"{PEERS[peer]}.py", "low_level.py")}
    runtime = {name: ROOT / name for name in files_of_ours()}
    if peer == PROTOTYPE:
        runtime["own_transport.py"] = here / "prototypes" / "own_transport.py"
    return runtime


@contextmanager
def stub(folder: Path) -> Iterator[int]:
    """AWS with canned answers; its port. In the folder, for its clients to trust: `authority.pem`,
    and `bundle.pem`, which has all the authorities that botocore brings as well."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    bundle = (Path(botocore.__file__).with_name("cacert.pem")).read_bytes()
    (folder / "bundle.pem").write_bytes(bundle + authority.cert_pem.bytes())
    certificate = folder / "server.pem"
    chain = authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem
    chain.write_to_path(str(certificate))
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.stub_aws", certificate, str(AUDIENCE)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield int(process.stdout.readline() if process.stdout else 0)
    finally:
        process.terminate()
        process.wait()


def environment(folder: Path, port: int) -> dict[str, str]:
    """As the graph and Lambda set it, with the stub in AWS's place."""
    return {
        "PATH": os.environ["PATH"],
        "CONNECTIONS_TABLE": "connections",
        "COUNTER_TABLE": "counter",
        "MANAGEMENT_ENDPOINT": f"https://127.0.0.1:{port}/prod",
        "AWS_ENDPOINT_URL_DYNAMODB": f"https://127.0.0.1:{port}",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_LAMBDA_FUNCTION_NAME": "websocket",
        "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token" * 160,
        "AWS_CA_BUNDLE": str(folder / "bundle.pem"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(folder),
    }


def start(folder: Path, module: str, environ: Mapping[str, str]) -> Sample:
    probe = ROOT / "bench" / "cold_probe.py"
    done = subprocess.run(
        [sys.executable, "-I", "-B", probe, folder, module, EVENT],
        env=dict(environ),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    sample: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    sample["cpu"] = sample["init cpu"] + sample["first cpu"]
    sample["wall"] = sample["init wall"] + sample["first wall"]
    return sample


def report(samples: Mapping[str, list[Sample]], archives: Mapping[str, int]) -> Report:
    times = [
        [
            peer,
            *(_ms(middle(runs, figure)) for figure in ("init cpu", "first cpu", "cpu", "wall")),
            f"{ratio(samples[USUAL], runs, 'cpu'):.2f}",
        ]
        for peer, runs in samples.items()
    ]
    sizes = [
        [
            peer,
            f"{middle(runs, 'memory') / 2**20:.0f}",
            f"{middle(runs, 'modules'):.0f}",
            f"{archives[peer] / 1024:.1f}",
        ]
        for peer, runs in samples.items()
    ]
    share = ratio(samples[USUAL], samples[OURS], "cpu")
    count = len(samples[OURS])
    return Report(
        "cold_start",
        [
            Table(
                "A cold start and its first click, ms",
                ["", "init CPU", "first click CPU", "CPU", "wall", "CPU / usual"],
                times,
                f"Medians of {count} starts each, interleaved; the last column is the median of "
                f"the ratios within a round. The click goes to {AUDIENCE} clients. Ours counts, "
                "takes the lease and lets it go; the others count and post.",
            ),
            Table("What it loads", ["", "memory, MB", "modules", "archive, KB"], sizes),
        ],
        [
            Bar(
                f"init and first click: CPU at most {SHARE} of the usual",
                f"{share:.2f}",
                share <= SHARE,
            )
        ],
        {
            peer: {figure: middle(runs, figure) for figure in runs[0]}
            for peer, runs in samples.items()
        },
    )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}"
