"""The house: who may import whom. docs/architecture.md draws it; this table is the law."""

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "counter_service"

RUNTIME = "counter_service.runtime"
PURE = {f"{RUNTIME}.contract", f"{RUNTIME}.errors"}
CORE = PURE | {f"{RUNTIME}.{name}" for name in ("protocol", "events", "ports", "origins", "access")}
BOTO = {"botocore"}
# What the pure rooms may not touch: no clock, randomness, environment, input or output.
IMPURE = {
    *("time", "datetime", "random", "secrets", "uuid", "os", "logging", "sys", "io", "pathlib"),
    *("socket", "ssl", "http", "urllib", "subprocess", "threading", "asyncio", "selectors"),
}

# room: (our own modules, third-party packages, standard modules that are refused)
LAW: dict[str, tuple[set[str], set[str], set[str]]] = {
    "__init__": (set(), set(), IMPURE),
    "runtime.__init__": (set(), set(), IMPURE),
    "runtime.contract": (set(), set(), IMPURE),
    "runtime.errors": (set(), set(), IMPURE),
    "runtime.protocol": (PURE, set(), IMPURE),
    "runtime.events": (PURE, set(), IMPURE),
    "runtime.ports": (PURE, set(), IMPURE),
    "runtime.origins": (PURE, set(), IMPURE),
    "runtime.access": (CORE, set(), IMPURE),
    "runtime.broadcast": (CORE, set(), IMPURE),
    "runtime.backoff": (CORE, set(), IMPURE),
    "runtime.counting": (CORE | {f"{RUNTIME}.backoff"}, set(), IMPURE),
    "runtime.service": (
        CORE | {f"{RUNTIME}.{name}" for name in ("broadcast", "counting")},
        set(),
        IMPURE,
    ),
    "runtime.metrics": (CORE | {f"{RUNTIME}.service"}, set(), IMPURE),
    "runtime.settings": (PURE | {f"{RUNTIME}.origins"}, set(), IMPURE),
    "runtime.keys": (PURE, set(), set()),
    "runtime.tokens": (PURE | {f"{RUNTIME}.{name}" for name in ("ports", "keys")}, {"jwt"}, set()),
    "runtime.logs": (set(), set(), set()),
    "runtime.dynamodb": (PURE, BOTO, set()),
    "runtime.counter_store": (
        PURE | {f"{RUNTIME}.{name}" for name in ("dynamodb", "backoff")},
        BOTO,
        IMPURE,
    ),
    "runtime.connection_store": (
        PURE | {f"{RUNTIME}.{name}" for name in ("dynamodb", "ports")},
        set(),
        IMPURE,
    ),
    "runtime.lease": (PURE | {f"{RUNTIME}.dynamodb"}, set(), IMPURE),
    "runtime.successor": (PURE | {f"{RUNTIME}.events"}, BOTO, set()),
    # The fan-out engine: the standard library alone.
    "runtime.http_answers": (set(), set(), IMPURE),
    "runtime.signing": (set(), set(), IMPURE - {"time", "urllib"}),  # as pure functions
    "runtime.channel": ({f"{RUNTIME}.http_answers"}, set(), set()),
    "runtime.pool": ({f"{RUNTIME}.channel"}, set(), set()),
    "runtime.fan_out": (
        {f"{RUNTIME}.{name}" for name in ("ports", "http_answers", "signing", "channel", "pool")},
        set(),
        set(),
    ),
    "runtime.management": (
        {f"{RUNTIME}.{name}" for name in ("ports", "signing", "pool", "fan_out")},
        set(),
        set(),
    ),
    "runtime.sdk": (PURE | {f"{RUNTIME}.signing"}, {"botocore"}, set()),
    "runtime.handler": ({RUNTIME}, set(), set()),
    "infra": (
        {"counter_service.infra", f"{RUNTIME}.contract", "counter_service.toolchain"},
        {"pulumi", "pulumi_aws"},
        set(),
    ),
    # Runs before any package is installed.
    "toolchain": ({"counter_service.toolchain"}, set(), set()),
    # Runs in .venv, started by the Pulumi CLI.
    "toolchain.language_host": (set(), {"grpc", "pulumi"}, set()),
    "local": (
        {"counter_service.local", "counter_service.toolchain"},
        {"boto3", "pulumi", "websockets", "yaml"},
        set(),
    ),
}

MODULES = sorted(PACKAGE.rglob("*.py"))


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def violations(module: str, source: str) -> list[str]:
    """What a module of `counter_service`, such as "runtime.service", imports against the law."""
    own, third_party, refused = LAW[module if module in LAW else module.split(".")[0]]
    found = []
    for name in imports(module, source):
        top = name.split(".")[0]
        if top == "counter_service":
            allowed = any(name == room or name.startswith(f"{room}.") for room in own)
        elif top in sys.stdlib_module_names:
            allowed = top not in refused
        else:
            allowed = top in third_party
        if not allowed:
            found.append(name)
    return sorted(found)


def imports(module: str, source: str) -> set[str]:
    """Absolute names of all that is imported; `from x import y` is x.y where y is a module."""
    package = ["counter_service", *module.split(".")[:-1]]
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            for alias in node.names:
                inner = ROOT / f"{origin}.{alias.name}".replace(".", "/")
                is_module = inner.with_suffix(".py").exists() or inner.is_dir()
                names.add(f"{origin}.{alias.name}" if is_module else origin)
    return names


@pytest.mark.parametrize("path", MODULES, ids=map(module_name, MODULES))
def test_imports(path: Path) -> None:
    assert violations(module_name(path), path.read_text()) == []


@pytest.mark.parametrize(
    ("module", "source", "broken"),
    [
        ("runtime.service", "import time", ["time"]),
        ("runtime.service", "from os import environ", ["os"]),
        ("runtime.service", "from . import dynamodb", ["counter_service.runtime.dynamodb"]),
        ("runtime.protocol", "import boto3", ["boto3"]),
        ("runtime.contract", "from .errors import X", ["counter_service.runtime.errors"]),
        ("runtime.handler", "import pulumi", ["pulumi"]),
        ("infra.stack", "import boto3", ["boto3"]),
        ("infra.stack", "def f():\n  from counter_service.runtime import ports\n",
         ["counter_service.runtime.ports"]),
        ("local.site", "import counter_service.infra.bundle", ["counter_service.infra.bundle"]),
        ("runtime.service", "from .ports import Clock\nfrom collections import abc", []),
    ],
)  # fmt: skip
def test_the_law_finds_what_breaks_it(module: str, source: str, broken: list[str]) -> None:
    assert violations(module, source) == broken


def test_program_is_under_30_lines() -> None:
    assert len((ROOT / "__main__.py").read_text().splitlines()) < 30
