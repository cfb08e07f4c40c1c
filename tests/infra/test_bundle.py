"""Only the runtime folder ships to Lambda, and it is imported without the rest of the project."""

import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from counter_service.infra import bundle
from counter_service.local.creators.lambda_function import zipped
from counter_service.paths import ROOT

# Prints every module that the handler imports, after checking that it comes from the archive.
PROBE = """
import sys
sys.path.insert(0, sys.argv[1])
import counter_service.runtime.handler as handler
assert handler.__file__.startswith(sys.argv[1]), handler.__file__
assert callable(handler.handle)
print("\\n".join(sorted(sys.modules)))
"""


def test_archive_holds_the_runtime_folder_and_nothing_else(tmp_path: Path) -> None:
    runtime = tmp_path / bundle.RUNTIME
    shutil.copytree(ROOT / bundle.PACKAGE, tmp_path / bundle.PACKAGE)
    (runtime / "core" / "new_module.py").touch()
    for stray in ("__pycache__/handler.cpython-313.pyc", "core/service.py~", ".DS_Store"):
        (runtime / stray).parent.mkdir(exist_ok=True)
        (runtime / stray).touch()
    shipped = bundle.archive(tmp_path).assets
    modules = {path.relative_to(tmp_path).as_posix() for path in runtime.rglob("*.py")}
    assert set(shipped) == modules | {
        "counter_service/__init__.py",
        "counter_service/runtime/fanout/amazon_roots.pem",
    }


def test_archive_is_the_same_every_time() -> None:
    assert zipped(bundle.archive()) == zipped(bundle.archive())


def test_archive_is_imported_without_the_rest_of_the_project(tmp_path: Path) -> None:
    zipfile.ZipFile(io.BytesIO(zipped(bundle.archive()))).extractall(tmp_path)
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
        encoding="utf-8",
        check=False,
    )
    assert probe.returncode == 0, probe.stderr
    # Lambda's Python has the standard library and botocore with its dependencies. boto3 is there
    # too, but takes time to import.
    foreign = {name.split(".")[0] for name in probe.stdout.split()} - set(sys.stdlib_module_names)
    assert "botocore" in foreign
    assert not foreign & {
        *("pulumi", "pulumi_aws", "ministack", "websockets", "yaml", "moto"),
        *("jwt", "cryptography", "cffi", "boto3"),
    }
