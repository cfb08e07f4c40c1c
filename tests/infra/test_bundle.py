"""What ships to Lambda: exactly the listed files, and they stand alone."""

import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pulumi
import pytest

from counter_service.infra import bundle
from counter_service.local.archive import zipped

# Prints every module that the handler pulled in, from the zip and from elsewhere.
PROBE = """
import sys
sys.path.insert(0, sys.argv[1])
import counter_service.runtime.handler as handler
assert handler.__file__.startswith(sys.argv[1]), handler.__file__
assert callable(handler.handle)
print("\\n".join(sorted(sys.modules)))
"""


@pytest.fixture
def archive() -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(zipped(bundle.archive())))


def test_zip_holds_the_runtime_and_nothing_else(archive: zipfile.ZipFile) -> None:
    assert sorted(archive.namelist()) == [
        "counter_service/__init__.py",
        "counter_service/runtime/__init__.py",
        "counter_service/runtime/access.py",
        "counter_service/runtime/amazon_roots.pem",
        "counter_service/runtime/backoff.py",
        "counter_service/runtime/broadcast.py",
        "counter_service/runtime/channel.py",
        "counter_service/runtime/connection_store.py",
        "counter_service/runtime/contract.py",
        "counter_service/runtime/counter_store.py",
        "counter_service/runtime/counting.py",
        "counter_service/runtime/dynamodb.py",
        "counter_service/runtime/errors.py",
        "counter_service/runtime/events.py",
        "counter_service/runtime/fan_out.py",
        "counter_service/runtime/handler.py",
        "counter_service/runtime/http_answers.py",
        "counter_service/runtime/keys.py",
        "counter_service/runtime/lease.py",
        "counter_service/runtime/logs.py",
        "counter_service/runtime/management.py",
        "counter_service/runtime/metrics.py",
        "counter_service/runtime/origins.py",
        "counter_service/runtime/pool.py",
        "counter_service/runtime/ports.py",
        "counter_service/runtime/protocol.py",
        "counter_service/runtime/sdk.py",
        "counter_service/runtime/service.py",
        "counter_service/runtime/settings.py",
        "counter_service/runtime/signing.py",
        "counter_service/runtime/successor.py",
        "counter_service/runtime/tokens.py",
    ]


def test_zip_has_the_files_as_they_are(archive: zipfile.ZipFile) -> None:
    for name in archive.namelist():
        assert archive.read(name) == (bundle.ROOT / name).read_bytes()


def test_zip_is_the_same_every_time() -> None:
    assert zipped(bundle.archive()) == zipped(bundle.archive())


def test_zip_imports_alone(archive: zipfile.ZipFile, tmp_path: Path) -> None:
    archive.extractall(tmp_path)
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_LAMBDA_FUNCTION_NAME": "websocket-dev",
        "CONNECTIONS_TABLE": "connections",
        "COUNTER_TABLE": "counter",
        "MANAGEMENT_ENDPOINT": "https://example.execute-api.eu-central-1.amazonaws.com/prod",
    }
    probe = subprocess.run(
        [sys.executable, "-I", "-c", PROBE, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert probe.returncode == 0, probe.stderr
    modules = probe.stdout.split()
    ours = {name for name in modules if name.startswith("counter_service")}
    assert ours <= {"counter_service", "counter_service.runtime"} | {
        f"counter_service.runtime.{Path(name).stem}" for name in bundle.FILES
    }
    # Only what Lambda's Python has: the standard library, botocore, and what it brings. boto3 would
    # take its time to import.
    foreign = {name.split(".")[0] for name in modules} - set(sys.stdlib_module_names)
    assert not foreign & {
        *("pulumi", "pulumi_aws", "ministack", "websockets", "yaml", "moto"),
        *("jwt", "cryptography", "cffi"),
    }
    assert "botocore" in foreign
    assert "boto3" not in foreign


def test_a_module_that_is_not_listed_is_named(tmp_path: Path) -> None:
    for name in bundle.FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    bundle.archive(tmp_path)
    (tmp_path / "counter_service/runtime/shout.py").touch()
    with pytest.raises(pulumi.RunError, match=r"counter_service/runtime/shout\.py"):
        bundle.archive(tmp_path)


def test_a_listed_module_that_is_missing_is_named(tmp_path: Path) -> None:
    for name in bundle.FILES[:-1]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(pulumi.RunError, match=r"counter_service/runtime/tokens\.py"):
        bundle.archive(tmp_path)


def test_caches_do_not_ship(tmp_path: Path) -> None:
    for name in bundle.FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    cache = tmp_path / "counter_service/runtime/__pycache__"
    cache.mkdir()
    (cache / "handler.cpython-313.pyc").touch()
    assert sorted(bundle.archive(tmp_path).assets) == sorted(bundle.FILES)
