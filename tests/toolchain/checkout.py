"""A small checkout: the real toolchain, and packages that are installed without a network."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from counter_service.toolchain import node, places
from counter_service.toolchain.environments import ENVIRONMENTS
from counter_service.toolchain.uv import Uv
from tests.toolchain import modules, wheels

ROOT = Path(__file__).resolve().parents[2]
TOOLCHAIN = "counter_service/toolchain"
# The packages of each lock. Each contains those before it, as in pyproject.toml.
PACKAGES = {
    "deploy": ("pip", "alpha"),
    "local": ("pip", "alpha", "beta"),
    "dev": ("pip", "alpha", "beta", "gamma"),
}
# `make run` starts it in the place of counter_service.local.
PROGRAM = 'import alpha, sys\n\nprint("running", alpha.VERSION, *sys.argv[1:])\n'
# .venv/bin/counter starts it.
COUNTER = """\
import alpha, os, sys


def main():
    print("counter", alpha.VERSION, os.getcwd(), *sys.argv[1:])
    return 7
"""


@dataclass
class Checkout:
    """A copy of the project with small locks, and a home of its own beside it."""

    root: Path
    wheels: Path
    environ: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.root.parent / "home"

    @property
    def python(self) -> Path:
        return self.root / ".venv/bin/python"

    @property
    def packages(self) -> Path:
        """The folder of .venv in which the packages are."""
        return next((self.root / ".venv/lib").glob("python*/site-packages"))

    def set(self, **variables: str | None) -> None:
        """Change the environment of the commands; None removes a variable."""
        self.environ |= {name: each for name, each in variables.items() if each is not None}
        for name in [name for name, each in variables.items() if each is None]:
            self.environ.pop(name, None)

    def command(self, *parts: str, python: str | Path | None = None) -> list[str | Path]:
        # This Python measures coverage. The toolchain finds the one that it is based on.
        return [python or sys.executable, "-I", TOOLCHAIN, "prepare", *parts]

    def prepare(
        self, *parts: str, python: str | Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        return self.run(*self.command(*parts, python=python))

    def change(self, script: str) -> None:
        """Run a shell script in the checkout. It has $UV, the program, and $PACKAGES, a folder."""
        variables = {"UV": str(ROOT / ".toolchain/uv/bin/uv"), "WHEELS": str(self.wheels)}
        if self.python.exists():
            variables["PACKAGES"] = str(self.packages)
        subprocess.run(
            ["sh", "-euc", script], cwd=self.root, env=self.environ | variables, check=True
        )

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.root,
            env=self.environ,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            stdin=subprocess.DEVNULL,
            check=False,
        )

    def start(self, *parts: str) -> subprocess.Popen[str]:
        """Start to prepare the parts, in a session of its own."""
        return subprocess.Popen(
            self.command(*parts),
            cwd=self.root,
            env=self.environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
            # A terminal does not ignore SIGINT, and a job in the background inherits that it is.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def leftovers(self) -> list[str]:
        """The folders that an interrupted command left beside those that it replaces."""
        folders = (".", ".toolchain", ".vendor", "web", "bench/node")
        return [
            str(path.relative_to(self.root))
            for pattern in ("*.new", "*.old")
            for folder in folders
            for path in (self.root / folder).glob(pattern)
        ]

    def assert_has(self, *parts: str) -> None:
        """Assert that each part works, and that no interrupted command left anything."""
        assert self.leftovers() == []
        for part in parts:
            match part:
                case "web" | "bench-node":
                    self._assert_has_modules("web" if part == "web" else "bench/node")
                case "page":
                    self._assert_has_page()
                case _:
                    self._assert_has_packages(PACKAGES[part])
                    if ENVIRONMENTS[part].has_counter:
                        self.assert_has_counter(self.root / ".venv/bin/counter")

    def assert_has_counter(self, command: Path) -> None:
        """Assert that the command starts the checkout's counter, in any folder and environment."""
        done = subprocess.run(
            [command, "--json", "a  b"],
            cwd=self.home,
            env={"PATH": os.defpath, "PYTHONPATH": "/nowhere", "PYTHONSAFEPATH": "1"},
            capture_output=True,
            encoding="utf-8",
        )
        assert done.stdout == f"counter 1.0 {self.home} --json a  b\n", done.stderr
        assert done.returncode == 7

    def _assert_has_packages(self, names: tuple[str, ...]) -> None:
        question = f"""if True:
            import importlib, importlib.metadata
            for name in {names!r}:
                module = importlib.import_module(name)
                importlib.import_module(name + ".command")
                print(name, module.VERSION, importlib.metadata.version(name), module.__file__)
        """
        clean = {"PATH": os.defpath}
        shown = subprocess.run(
            [self.python, "-I", "-c", question], env=clean, capture_output=True, encoding="utf-8"
        )
        assert shown.returncode == 0, shown.stderr
        for name, line in zip(names, shown.stdout.splitlines(), strict=True):
            version = wheels.VERSIONS[name]
            expected = f"{name} {version} {version} {self.root}/.venv/lib/"
            assert line.startswith(expected), f"the wrong package was imported: {line}"
        script = subprocess.run(
            [self.root / ".venv/bin/alpha"],
            env=clean,
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        assert script.stdout == "alpha 1.0\n"

    def _assert_has_modules(self, name: str) -> None:
        installed = self.root / name / "node_modules"
        for package in ("builder", "native-here", "shown"):
            manifest = json.loads(
                (installed / package / "package.json").read_text(encoding="utf-8")
            )
            assert manifest["version"] == "1.0.0", f"{package} has the wrong version"
        assert not (installed / "native-elsewhere").exists()
        assert os.access(installed / ".bin/builder", os.X_OK)

    def _assert_has_page(self) -> None:
        dist = self.root / "web/dist"
        assert "assets/index-0a1b2c3d.js" in (dist / "index.html").read_text(encoding="utf-8")
        assert (dist / "assets/index-0a1b2c3d.js").is_file()
        assert json.loads((dist / ".build.json").read_text(encoding="utf-8"))["webSocketUrl"] == ""


def create(root: Path, wheel_folder: Path, hashes: Mapping[str, str]) -> Checkout:
    """A checkout in which nothing was prepared, except that uv is the real checkout's."""
    root.mkdir(parents=True)
    shutil.copytree(
        ROOT / TOOLCHAIN, root / TOOLCHAIN, ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "counter_service/__init__.py", root / "counter_service")
    shutil.copy(ROOT / "Makefile", root)
    (root / "counter_service/local").mkdir()
    (root / "counter_service/local/__init__.py").touch()
    (root / "counter_service/local/__main__.py").write_text(PROGRAM, encoding="utf-8")
    (root / "counter_service/cli").mkdir()
    (root / "counter_service/cli/__init__.py").touch()
    (root / "counter_service/cli/__main__.py").write_text(COUNTER, encoding="utf-8")
    (root / "requirements").mkdir()
    for part, names in PACKAGES.items():
        pins = [f"{name}=={wheels.VERSIONS[name]}" for name in names]
        lines = [f"{pin} --hash=sha256:{hashes[pin]}\n" for pin in pins]
        (root / ENVIRONMENTS[part].lock).write_text("".join(lines), encoding="utf-8")
    version = uv_version()
    (root / "requirements/uv.txt").write_text(
        f"uv=={version} --hash=sha256:{hashes[f'uv=={version}']}\n", encoding="utf-8"
    )
    (root / ".toolchain").mkdir()
    (root / ".toolchain/uv").symlink_to(ROOT / ".toolchain/uv")
    for name in ("web", "bench/node"):
        modules.write(root / name)
    checkout = Checkout(root, wheel_folder)
    checkout.home.mkdir()
    checkout.set(
        HOME=str(checkout.home),
        LANG="C.UTF-8",
        PATH=path_with_node(),
        PIP_FIND_LINKS=str(wheel_folder),
        PIP_NO_INDEX="1",
        **coverage_settings(),
    )
    return checkout


def coverage_settings() -> dict[str, str]:
    """Variables with which the commands of a checkout are measured, if these tests are."""
    if "COVERAGE_PROCESS_CONFIG" not in os.environ:
        return {}
    return {
        "COVERAGE_PROCESS_START": str(ROOT / "pyproject.toml"),
        "COVERAGE_FILE": str(ROOT / os.environ.get("COVERAGE_FILE", ".coverage")),
    }


def copy(checkout: Checkout, root: Path) -> Checkout:
    """A copy at another place, with its home."""
    root.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(checkout.root, root, symlinks=True)
    made = Checkout(root, checkout.wheels, dict(checkout.environ))
    shutil.copytree(checkout.home, made.home, symlinks=True)
    made.set(HOME=str(made.home))
    return made


def have_uv() -> Path:
    """The program of the real checkout, installed where it is missing."""
    with places.exclusive(ROOT):
        Uv(ROOT)
    return ROOT / ".toolchain/uv/bin/uv"


def uv_version() -> str:
    pin = re.search(
        r"^uv==(\S+)", (ROOT / "requirements/uv.txt").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert pin
    return pin[1]


def path_with_node() -> str:
    """PATH as a person's shell has it: no environment of Python is activated."""
    folders = node.environ(ROOT)["PATH"].split(os.pathsep)
    return os.pathsep.join(each for each in folders if ".venv" not in each)
