"""Which module may import which. docs/architecture.md draws these rules."""

import ast
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from counter_service.paths import ROOT

PACKAGE = ROOT / "counter_service"

# Pure code takes the time, random numbers, input and output as arguments.
IMPURE = {
    *("time", "datetime", "random", "secrets", "uuid", "os", "logging", "sys", "io", "pathlib"),
    *("socket", "ssl", "http", "urllib", "subprocess", "threading", "asyncio", "selectors"),
}


@dataclass(frozen=True)
class Allowed:
    """The imports that a folder may have besides the standard library and itself."""

    ours: set[str] = field(default_factory=set)  # modules and folders of counter_service
    packages: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)  # modules of the standard library


# The most specific entry counts, so a new module follows the rule of its folder.
ALLOWED_IMPORTS = {
    "": Allowed(refused=IMPURE),
    "runtime": Allowed({"runtime"}, {"botocore", "urllib3"}),
    "runtime.contract": Allowed(refused=IMPURE),
    "runtime.core": Allowed(refused=IMPURE),
    "runtime.dynamodb": Allowed({"runtime.core", "runtime.contract"}, {"botocore"}, IMPURE),
    "runtime.fanout": Allowed({"runtime.core"}),
    "runtime.auth": Allowed({"runtime.core"}, {"jwt"}),
    "client": Allowed({"runtime.core.protocol"}, {"websockets"}),
    "client.messages": Allowed({"runtime.core.protocol"}, refused=IMPURE),
    "client.requests": Allowed({"client.messages"}, refused=IMPURE - {"random"}),
    "paths": Allowed(),
    "program": Allowed({"paths", "stack_files"}, {"pulumi"}),
    "stack_files": Allowed(packages={"pulumi", "yaml"}),
    "history": Allowed(refused=IMPURE),
    "costs": Allowed({"runtime.contract"}, refused=IMPURE),
    "infra": Allowed({"costs", "paths", "runtime.contract", "toolchain"}, {"pulumi", "pulumi_aws"}),
    # Runs before any package is installed.
    "toolchain": Allowed(),
    # Runs in .venv, started by the Pulumi CLI.
    "toolchain.language_host": Allowed(packages={"grpc", "pulumi"}),
    "local": Allowed(
        {"client.messages", "paths", "program", "stack_files", "toolchain", "runtime.core"},
        {"boto3", "pulumi", "websockets"},
    ),
    "cli": Allowed(
        {
            *("client", "costs", "history", "infra.quotas", "infra.settings"),
            *("paths", "stack_files", "toolchain"),
        },
        {"pulumi", "rich", "typer"},
    ),
    "cli.doctor": Allowed({"cli", "infra.quotas", "paths", "toolchain"}, {"boto3", "botocore"}),
    "cli.check": Allowed({"cli", "client", "runtime.core.protocol"}),
    # Whichever emulator it is, so not `local.emulator`.
    "local.creators": Allowed({"local.errors"}, {"pulumi"}),
    "cli.load": Allowed({"cli", "client", "costs", "history"}, {"rich"}),
    **dict.fromkeys(
        (f"cli.load.{name}" for name in ("estimate", "latency", "plan", "result", "svg", "times")),
        Allowed({"cli.load", "costs", "history"}, refused=IMPURE),
    ),
}

MODULES = sorted(PACKAGE.rglob("*.py"))


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def violations(module: str, source: str) -> list[str]:
    """The imports of a module, such as "runtime.core.service", that break the rules."""
    parts = module.split(".")
    candidates = (".".join(parts[:length]) for length in range(len(parts), -1, -1))
    folder = next(name for name in candidates if name in ALLOWED_IMPORTS)
    rule = ALLOWED_IMPORTS[folder]
    found = []
    for name in imports(module, source):
        top, _, rest = name.partition(".")
        if top == "counter_service":
            allowed = any(f"{rest}.".startswith(f"{each}.") for each in {folder, *rule.ours} - {""})
        elif top in sys.stdlib_module_names:
            allowed = top not in rule.refused
        else:
            allowed = top in rule.packages
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
def test_module_imports_only_what_its_folder_may(path: Path) -> None:
    assert violations(module_name(path), path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("module", "source", "broken"),
    [
        ("runtime.core.service", "import time", ["time"]),
        ("runtime.core.service", "from os import environ", ["os"]),
        ("runtime.core.service", "from ..dynamodb import lease",
         ["counter_service.runtime.dynamodb.lease"]),
        ("runtime.core.new", "from .. import contract", ["counter_service.runtime.contract"]),
        ("runtime.dynamodb.lease", "from ..fanout import pool",
         ["counter_service.runtime.fanout.pool"]),
        ("runtime.core.protocol", "import boto3", ["boto3"]),
        ("runtime.contract", "from .core.errors import X", ["counter_service.runtime.core.errors"]),
        ("runtime.handler", "import pulumi", ["pulumi"]),
        ("infra.stack", "import boto3", ["boto3"]),
        ("client.requests", "from time import monotonic", ["time"]),
        ("infra.stack", "def f():\n  from counter_service.runtime.core import ports\n",
         ["counter_service.runtime.core.ports"]),
        ("client.connection", "import typer", ["typer"]),
        ("cli.commands.watch", "import websockets", ["websockets"]),
        ("local.site", "import counter_service.infra.bundle", ["counter_service.infra.bundle"]),
        ("local.creators.iam", "from counter_service.local import emulator",
         ["counter_service.local.emulator"]),
        ("runtime.core.service", "from .ports import Clock\nfrom collections import abc", []),
    ],
)  # fmt: skip
def test_import_rule_reports_a_forbidden_import(
    module: str, source: str, broken: list[str]
) -> None:
    assert violations(module, source) == broken


def test_no_module_is_part_of_an_import_circle() -> None:
    """Imports inside functions do not count, because they run later."""
    graph = {
        f"counter_service.{module_name(path)}".removesuffix(".__init__"): _imports_at_load(path)
        for path in MODULES
    }
    done: set[str] = set()

    def visit(module: str, chain: tuple[str, ...]) -> None:
        assert module not in chain, " imports ".join((*chain[chain.index(module) :], module))
        if module not in done:
            for imported in graph[module] & graph.keys():
                visit(imported, (*chain, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def _imports_at_load(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.body = [ast.Pass()]
    return imports(module_name(path), ast.unparse(tree))


def test_runtime_folder_has_at_most_12_entries() -> None:
    entries = {path.name for path in (PACKAGE / "runtime").iterdir()} - {"__pycache__"}
    assert len(entries) <= 12, f"Move a module into a subfolder of runtime/: {sorted(entries)}"


def test_program_has_fewer_than_30_lines() -> None:
    assert len((ROOT / "__main__.py").read_text(encoding="utf-8").splitlines()) < 30


def test_mypy_reads_the_services_of_pulumi_aws_that_are_used() -> None:
    """It takes everything of the others for Any, and so reports no wrong argument there."""
    paths = [*(PACKAGE / "infra").rglob("*.py"), *(ROOT / "tests/infra").rglob("*.py")]
    sources = [path.read_text(encoding="utf-8") for path in paths]
    used = {
        f"pulumi_aws.{node.attr}.*"
        for source in sources
        if "import pulumi_aws as aws" in source
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "aws"
        if node.attr.islower()
    }
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [read] = [
        each["module"]
        for each in settings["tool"]["mypy"]["overrides"]
        if each.get("follow_imports") == "normal"
    ]
    listed = {each for each in read if each.endswith(".*")}
    assert listed == used, "list the services that are used in pyproject.toml, [tool.mypy]"
