"""What does the start of a new function cost, and how long does its first click wait?

Each start is a fresh process. It imports the code from the unpacked archive, builds the clients,
and serves one increment for ten clients over TLS, from a stub of AWS. The counter service's archive
is compiled again on each start, because in Lambda it is read-only. The baseline is the counter as
tutorials write it. CPU is the figure to trust, because in Lambda the init phase has a whole core,
and the first event only the share of one that its memory setting gives it.
"""

import compileall
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import botocore
import trustme

from .report import ROOT, Bar, Report, Row, Table
from .rounds import Sample, interleaved, summary

ROUNDS: Final = 15
AUDIENCE: Final = 10
SHARE: Final = 0.8  # of the baseline's CPU, at most

COUNTER_SERVICE, BASELINE = "counter service", "baseline"
MODULES: Final = {COUNTER_SERVICE: "counter_service.runtime.handler", BASELINE: "baseline"}
EVENT: Final = (ROOT / "tests/events/message-increment.json").read_text(encoding="utf-8")


def measure() -> list[Row]:
    with archives() as found:
        starts = {peer: partial(start, archive) for peer, archive in found.items()}
        figures = summary(interleaved(starts, ROUNDS), BASELINE)
    return [{"peer": peer, "archive": found[peer].size} | figures[peer] for peer in MODULES]


@dataclass(frozen=True, slots=True)
class Archive:
    """An unpacked archive, and what a start of it needs."""

    folder: Path
    size: int  # of the archive, in bytes
    module: str
    environ: Mapping[str, str]


@contextmanager
def archives() -> Iterator[dict[str, Archive]]:
    """The archive of each peer, and a stub of AWS for those that are started."""
    with tempfile.TemporaryDirectory(prefix="cold-start-") as name, stub(Path(name)) as port:
        folder = Path(name)
        compile_sdk()
        yield {
            peer: Archive(folder / peer, pack(peer, folder), module, environment(folder, port))
            for peer, module in MODULES.items()
        }


def compile_sdk() -> None:
    """Compile the SDK, because Lambda includes its bytecode and pip writes none here."""
    packages = Path(botocore.__file__).parents[1]
    for name in ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3"):
        compileall.compile_dir(str(packages / name), quiet=1)
    compileall.compile_file(str(packages / "six.py"), quiet=1)


def contents(peer: str) -> dict[str, Path]:
    """Every file by its path in the archive."""
    if peer == BASELINE:
        return {"baseline.py": ROOT / "bench" / "baseline.py"}
    # The graph lists the files, in the environment that has Pulumi.
    program = "from counter_service.infra import bundle; print(*bundle.files(), sep='\\n')"
    command: list[str | Path] = [ROOT / ".venv" / "bin" / "python", "-W", "ignore", "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    return {name: ROOT / name for name in done.stdout.split()}


def pack(peer: str, folder: Path) -> int:
    """Write the archive, unpack it into the folder as Lambda does, and return its size in bytes."""
    archive = folder / f"{peer}.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, path in contents(peer).items():
            bundle.write(path, name)
    with zipfile.ZipFile(archive) as bundle:
        bundle.extractall(folder / peer)
    for roots in (folder / peer).rglob("amazon_roots.pem"):
        # Appended, so that loading the usual authorities still takes its time.
        roots.write_text(
            roots.read_text(encoding="utf-8")
            + (folder / "authority.pem").read_text(encoding="utf-8"),
            encoding="utf-8",
        )
    return archive.stat().st_size


@contextmanager
def stub(folder: Path) -> Iterator[int]:
    """Run the stub of AWS until the block ends, and yield its port.

    Writes `authority.pem`, the stub's certificate authority, and `bundle.pem`, which also has all
    authorities that botocore includes.
    """
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    bundle = (Path(botocore.__file__).with_name("cacert.pem")).read_bytes()
    (folder / "bundle.pem").write_bytes(bundle + authority.cert_pem.bytes())
    certificate = folder / "server.pem"
    chain = authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem
    chain.write_to_path(str(certificate))
    command: list[str | Path] = [sys.executable, "-m", "bench.stub_aws", certificate, str(AUDIENCE)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8") as process:
        try:
            yield int(process.stdout.readline() if process.stdout else 0)
        finally:
            process.terminate()


def environment(folder: Path, port: int) -> dict[str, str]:
    """The environment that the graph and Lambda set, with the stub in place of AWS."""
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


def start(archive: Archive, *members: Path) -> Sample:
    """Measure one start, as a member of these cgroups from the first event on."""
    probe = ROOT / "bench" / "cold_probe.py"
    done = subprocess.run(
        [sys.executable, "-I", "-B", probe, archive.folder, archive.module, EVENT, *members],
        env=dict(archive.environ),
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    sample: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    sample["cpu"] = sample["init cpu"] + sample["first cpu"]
    sample["wall"] = sample["init wall"] + sample["first wall"]
    return sample


def report(rows: list[Row]) -> Report:
    [share] = [row["cpu_ratio"] for row in rows if row["peer"] == COUNTER_SERVICE]
    return Report(
        [
            Table(
                "A cold start and its first click",
                [
                    *("", "init CPU, ms", "first click CPU, ms", "CPU, ms", "CPU / baseline"),
                    *("wall, ms", "memory, MB", "modules", "archive, KB"),
                ],
                [
                    [
                        row["peer"],
                        *(_ms(row[figure]) for figure in ("init cpu", "first cpu", "cpu")),
                        f"{row['cpu_ratio']:.2f}",
                        _ms(row["wall"]),
                        f"{row['memory'] / 2**20:.0f}",
                        f"{row['modules']:.0f}",
                        f"{row['archive'] / 1024:.1f}",
                    ]
                    for row in rows
                ],
                f"Medians of {rows[0]['rounds']} starts each, alternating. The ratio is the median "
                f"of the ratios within a round. The click goes to {AUDIENCE} clients. The counter "
                "service counts, takes the lease and releases it; the baseline counts and posts.",
            )
        ],
        [
            Bar(
                f"init and first click: at most {SHARE} of the baseline's CPU",
                f"{share:.2f}",
                share <= SHARE,
            )
        ],
    )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}"
