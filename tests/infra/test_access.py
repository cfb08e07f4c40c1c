"""Access and limits in the graph: environment, rights and archive of the function."""

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pulumi
import pytest

from counter_service.infra import auth_dependencies, bundle
from counter_service.infra.function import ARCHITECTURE, RUNTIME
from counter_service.local.creators.lambda_function import zipped
from counter_service.paths import ROOT
from counter_service.runtime.settings import Settings
from counter_service.toolchain import vendor

from .recorder import Graph, record

FUNCTION = "aws:lambda/function:Function"
AUTH = {"authIssuer": "https://login.example.com", "authAudience": "counter"}
SITE = "https://d111111abcdef8.cloudfront.net"  # the stack's own
LAMBDAS_OWN = {"AWS_REGION": "eu-central-1", "AWS_LAMBDA_FUNCTION_NAME": "websocket-dev"}
LAMBDA_TAG = "cpython-313-aarch64-linux-gnu"


def environment(graph: Graph) -> dict[str, str]:
    variables: dict[str, str] = graph.one(FUNCTION).inputs["environment"]["variables"]
    return variables


# --- environment --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "variables"),
    [
        (
            {"allowLocalhost": "false", "allowMissingOrigin": "false"},
            {"ALLOW_LOCALHOST": "false", "ALLOW_MISSING_ORIGIN": "false"},
        ),
        (
            {"allowedOrigins": '["https://A.test:443", "http://b.test:8080/"]'},
            {"ALLOWED_ORIGINS": f"{SITE},https://a.test,http://b.test:8080"},
        ),
        ({"clicksPerSecond": "20"}, {"CLICKS_PER_SECOND": "20"}),
    ],
)
def test_key_of_access_reaches_the_function(
    config: dict[str, str], variables: dict[str, str]
) -> None:
    found = environment(record(**config))
    assert {name: found[name] for name in variables} == variables
    Settings.from_env(found | LAMBDAS_OWN)


def test_a_stack_without_origins_has_no_list_of_them() -> None:
    assert "ALLOWED_ORIGINS" not in environment(record(website="false"))


@pytest.mark.parametrize("jwks_url", ["", "https://login.example.com/keys"])
def test_authentication_reaches_the_function(packages_for_lambda: Path, jwks_url: str) -> None:
    graph = record(**AUTH, authJwksUrl=jwks_url, authPackages=str(packages_for_lambda))
    found = {name: value for name, value in environment(graph).items() if "AUTH" in name}
    assert found == {
        "AUTH_ISSUER": "https://login.example.com",
        "AUTH_AUDIENCE": "counter",
    } | ({"AUTH_JWKS_URL": jwks_url} if jwks_url else {})
    Settings.from_env(environment(graph) | LAMBDAS_OWN)


# --- archive ------------------------------------------------------------------------------------


def fill(folder: Path, tag: str = LAMBDA_TAG) -> Path:
    """A folder as toolchain/vendor.py leaves it, but with empty files."""
    for name in [
        f"_cffi_backend.{tag}.so",
        "bin/cffi-gen-src",
        "cffi/__init__.py",
        "cryptography/__init__.py",
        "cryptography/__pycache__/__init__.cpython-313.pyc",
        "cryptography/hazmat/bindings/_rust.abi3.so",
        "jwt/__init__.py",
        "jwt/left-over.pyc",
        "pyjwt-2.15.1.dist-info/METADATA",
    ]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / auth_dependencies.STAMP).write_bytes((ROOT / auth_dependencies.LOCK).read_bytes())
    return folder


@pytest.fixture
def packages_for_lambda(tmp_path: Path) -> Path:
    return fill(tmp_path / "auth")


def test_the_archive_has_the_token_library_beside_the_runtime(packages_for_lambda: Path) -> None:
    archive = record(**AUTH, authPackages=str(packages_for_lambda)).one(FUNCTION).inputs["code"]
    assert set(archive.assets) - set(bundle.files()) == {
        f"_cffi_backend.{LAMBDA_TAG}.so",
        "cffi/__init__.py",
        "cryptography/__init__.py",
        "cryptography/hazmat/bindings/_rust.abi3.so",
        "jwt/__init__.py",
        "pyjwt-2.15.1.dist-info/METADATA",
    }
    assert set(bundle.files()) <= set(archive.assets)


def test_files_of_the_token_library_are_sorted(packages_for_lambda: Path) -> None:
    found = auth_dependencies.files(packages_for_lambda, LAMBDA_TAG)
    assert list(found) == sorted(found)


def test_a_stack_without_authentication_ships_the_listed_files_only() -> None:
    archive = record(authPackages="/nowhere").one(FUNCTION).inputs["code"]
    assert isinstance(archive, pulumi.AssetArchive)
    assert sorted(archive.assets) == sorted(bundle.files())


def refusal(folder: Path) -> str:
    """The problem with the folder, without the advice."""
    with pytest.raises(pulumi.RunError) as raised:
        record(**AUTH, authPackages=str(folder))
    problem, advice = str(raised.value).split(". ")
    assert (
        advice == "Run make vendor-auth to deploy to AWS, or make vendor-auth-local for make run."
    )
    return problem


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "nowhere"
    assert refusal(folder) == f"The token library is missing from {folder}"


def test_an_outdated_folder_is_refused(packages_for_lambda: Path) -> None:
    (packages_for_lambda / auth_dependencies.STAMP).write_text("pyjwt==1.0", encoding="utf-8")
    assert refusal(packages_for_lambda) == (
        f"The token library in {packages_for_lambda} is outdated: requirements/auth.txt has changed"
    )


@pytest.mark.parametrize(
    ("tag", "found"),
    [
        ("cpython-311-x86_64-linux-gnu", "cpython-311-x86_64-linux-gnu"),
        ("cpython-313-x86_64-linux-gnu", "cpython-313-x86_64-linux-gnu"),
        ("cpython-313-darwin", "cpython-313-darwin"),
        ("pyd", "no platform"),
    ],
)
def test_a_folder_for_another_platform_is_refused(tmp_path: Path, tag: str, found: str) -> None:
    assert refusal(fill(tmp_path, tag)) == (
        f"The token library in {tmp_path} is for {found}, but the function needs {LAMBDA_TAG}"
    )


def test_make_vendor_installs_for_the_platform_of_the_function() -> None:
    assert auth_dependencies.platform_tag(RUNTIME, ARCHITECTURE) == vendor.LAMBDA_TAG == LAMBDA_TAG


# Verifies a token with only the packages in the folder, as the function would.
PROBE = """
import sys
sys.path.insert(0, sys.argv[1])
import jwt, cryptography
from counter_service.runtime.auth import jwt_verifier
assert jwt.__file__.startswith(sys.argv[1]), jwt.__file__
assert cryptography.__file__.startswith(sys.argv[1]), cryptography.__file__
assert jwt.algorithms.has_crypto
class Keys:
    def get(self, _): return None
verifier = jwt_verifier.JwtVerifier("https://a.test", "b", Keys())
print(verifier.check(sys.argv[2]))
"""


def test_the_token_library_in_the_archive_verifies_tokens(tmp_path: Path) -> None:
    """Uses the installed packages, whose versions are those of the lock."""
    from importlib.metadata import files, version

    locked = (ROOT / auth_dependencies.LOCK).read_text(encoding="utf-8").replace("[crypto]", "")
    found = {}
    for name in ("pyjwt", "cryptography", "cffi"):
        assert f"{name}=={version(name)}" in locked
        for path in files(name) or []:
            if ".." not in path.parts:
                found[path.as_posix()] = Path(str(path.locate()))
    archive = bundle.archive(packages=found)
    zipfile.ZipFile(io.BytesIO(zipped(archive))).extractall(tmp_path)
    token = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImZpcnN0In0.e30.AAAA"
    probe = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROBE, str(tmp_path), token],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (probe.returncode, probe.stdout) == (0, "unknown-key\n"), probe.stderr
