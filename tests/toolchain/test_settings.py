"""Personal settings of pip, uv, npm and Python do not change what is installed."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.toolchain.checkout import Checkout


@dataclass(frozen=True)
class Setting:
    """What a person has set. `{home}` in a value stands for the home folder."""

    name: str  # a sentence
    variables: Mapping[str, str | None] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)  # below the home

    def apply(self, checkout: Checkout) -> None:
        for name, value in self.variables.items():
            checkout.set(**{name: value and value.replace("{home}", str(checkout.home))})
        for name, text in self.files.items():
            checkout.write(name, text.replace("{home}", str(checkout.home)))


# A row has settings of which each one would break the installation.
# uv creates .venv while these are set.
FOR_UV = (
    Setting(
        "variables say where uv installs",
        {
            "UV_PREFIX": "{home}/prefix",
            "UV_PROJECT_ENVIRONMENT": "{home}/other",
            "UV_PYTHON": "3.8",
            "UV_SYSTEM_PYTHON": "1",
            "UV_TARGET": "{home}/target",
        },
    ),
    Setting(
        "variables say what uv installs",
        {
            "UV_CONSTRAINT": "{home}/none.txt",
            "UV_EXCLUDE_NEWER": "2001-01-01T00:00:00Z",
            "UV_NO_BINARY": "1",
            "UV_OVERRIDE": "{home}/none.txt",
        },
    ),
    Setting(
        "variables say how uv runs",
        {
            "FORCE_COLOR": "1",
            "UV_DRY_RUN": "1",
            "UV_ENV_FILE": "{home}/none.env",
            "UV_FROZEN": "1",
            "UV_LINK_MODE": "symlink",
            "UV_QUIET": "1",
        },
    ),
    Setting(
        "uv.toml says what uv installs",
        files={
            ".config/uv/uv.toml": 'exclude-newer = "2001-01-01T00:00:00Z"\n'
            '[pip]\nno-binary = [":all:"]\n'
        },
    ),
    Setting("uv.toml is not TOML", {"UV_CONFIG_FILE": "{home}/uv.toml"}, {"uv.toml": "<<<\n"}),
    Setting(
        "a folder above is a project",
        files={"../.python-version": "3.8\n", "../pyproject.toml": "[tool.uv]\nno-binary = 7\n"},
    ),
)
# They change how Python starts, or which one is found.
FOR_PYTHON = (
    Setting(
        "Python finds other modules",
        {
            "PYTHONPATH": "{home}/hostile",
            "PYTHONSAFEPATH": "1",
            "PYTHONSTARTUP": "{home}/hostile/re.py",
            "PYTHONUSERBASE": "{home}/hostile",
        },
        {"hostile/re.py": "raise SystemExit('This is not the module re.')\n"},
    ),
    Setting("Python has another home", {"PYTHONHOME": "/nowhere", "PYTHONPLATLIBDIR": "nowhere"}),
    Setting(
        "Python behaves otherwise",
        {
            "PYTHONDEVMODE": "1",
            "PYTHONINSPECT": "1",
            "PYTHONIOENCODING": "ascii",
            "PYTHONOPTIMIZE": "2",
            "PYTHONVERBOSE": "1",
            "PYTHONWARNINGS": "error",
        },
    ),
    Setting(
        "other environments are activated",
        {"CONDA_DEFAULT_ENV": "base", "CONDA_PREFIX": "/opt/conda", "VIRTUAL_ENV": "/nowhere"},
    ),
)
# They come from the machine, not from a tool.
FOR_THE_MACHINE = (
    Setting("HOME is not set", {"HOME": None}),
    Setting("HOME is not there", {"HOME": "{home}/none"}),
    Setting("HOME cannot be written", {"HOME": "/proc/nowhere"}),
    Setting("caches cannot be written", {"XDG_CACHE_HOME": "/proc/nowhere"}),
    Setting("TMPDIR is not there", {"TMPDIR": "/nowhere"}),
    Setting("LANG is C", {"LANG": "C", "LC_ALL": "C"}),
    Setting("LANG is not installed", {"LANG": "xx_YY.EUC-JP", "LC_ALL": "xx_YY.EUC-JP"}),
    Setting(
        "the shell and the terminal have settings",
        {"CDPATH": "{home}", "CI": "true", "GREP_OPTIONS": "-v", "NO_COLOR": "1", "TERM": "dumb"},
    ),
)
# pip installs uv while they are set.
FOR_PIP = (
    Setting(
        "variables of pip",
        {
            "PIP_CONFIG_FILE": "{home}/pip.conf",
            "PIP_CONSTRAINT": "{home}/none.txt",
            "PIP_DRY_RUN": "1",
            "PIP_LOG": "/nowhere/log",
            "PIP_NO_BINARY": ":all:",
            "PIP_PREFIX": "{home}/prefix",
            "PIP_PYTHON": "/nowhere/python",
            "PIP_QUIET": "3",
            "PIP_REQUIRE_VIRTUALENV": "1",
            "PIP_ROOT": "{home}/root",
            "PIP_TARGET": "{home}/target",
            "PIP_USER": "1",
        },
        {"pip.conf": "[global]\nuser = true\nquiet = 3\n"},
    ),
    Setting(
        "files of pip",
        files={
            ".config/pip/pip.conf": "[global]\nquiet = 3\nno-binary = :all:\n"
            "[install]\nuser = true\ntarget = {home}/target\n",
            ".pydistutils.cfg": "[install]\nprefix = {home}/prefix\n",
        },
    ),
)
FOR_NPM = (
    Setting(
        "variables of Node and npm",
        {
            "NODE_ENV": "production",
            "NODE_OPTIONS": "--require /nowhere.js",
            "NPM_CONFIG_PRODUCTION": "true",
            "npm_config_local_prefix": "/nowhere",
            "npm_config_omit": "dev",
            "npm_config_prefix": "{home}/prefix",
        },
    ),
    Setting(
        "npmrc says what npm installs",
        files={".npmrc": "omit[]=dev\nomit[]=optional\nproduction=true\nbefore=2001-01-01\n"},
    ),
    Setting(
        "npmrc says where npm installs",
        files={
            ".npmrc": "prefix={home}/prefix\nlocation=global\nglobal=true\n"
            "install-strategy=linked\nbin-links=false\n"
        },
    ),
    Setting("npmrc is for another system", files={".npmrc": "os=sunos\ncpu=mips\nlibc=none\n"}),
    Setting(
        "npmrc says how npm runs",
        files={
            ".npmrc": "dry-run=true\nignore-scripts=true\nloglevel=silly\n"
            "node-options=--require /nowhere.js\npackage-lock=false\npackage-lock-only=true\n"
            "script-shell=/nowhere/sh\nworkspaces=true\n"
        },
    ),
)


def name_of(setting: Setting) -> str:
    return setting.name


@pytest.mark.parametrize("setting", [*FOR_UV, *FOR_PYTHON], ids=name_of)
def test_packages_are_installed_whatever_is_set(fresh: Checkout, setting: Setting) -> None:
    setting.apply(fresh)
    done = fresh.prepare("deploy")
    assert done.stderr == "Installing requirements.txt into .venv.\n"
    fresh.assert_has("deploy")
    assert fresh.prepare("deploy").stderr == ""


@pytest.mark.parametrize("setting", FOR_THE_MACHINE, ids=name_of)
def test_checkout_is_prepared_on_any_machine(fresh: Checkout, setting: Setting) -> None:
    setting.apply(fresh)
    done = fresh.prepare("deploy", "page")
    assert done.returncode == 0, done.stderr
    fresh.assert_has("deploy")
    fresh.assert_has("page")
    assert fresh.prepare("deploy", "page").stderr == ""


@pytest.mark.parametrize("setting", FOR_PIP, ids=name_of)
def test_uv_is_installed_whatever_is_set(fresh: Checkout, setting: Setting) -> None:
    setting.apply(fresh)
    (fresh.root / ".toolchain/uv").unlink()
    done = fresh.prepare("deploy")
    assert done.stderr == "Installing requirements.txt into .venv.\n"
    fresh.assert_has("deploy")
    assert fresh.prepare("deploy").stderr == ""


@pytest.mark.parametrize("setting", FOR_NPM, ids=name_of)
def test_page_is_built_whatever_is_set(fresh: Checkout, setting: Setting) -> None:
    setting.apply(fresh)
    done = fresh.prepare("page")
    assert done.returncode == 0, done.stderr
    fresh.assert_has("web")
    fresh.assert_has("page")
    assert fresh.prepare("web", "page").stderr == ""


@pytest.mark.parametrize("setting", FOR_PYTHON, ids=name_of)
def test_make_starts_python_whatever_is_set(prepared: Checkout, setting: Setting) -> None:
    setting.apply(prepared)
    done = prepared.run("make", "run", "PORT=8080")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "running 1.0 --stack dev --port 8080\n"


@pytest.mark.parametrize("flags", ["-j", "-kswrR --output-sync"])
def test_make_works_with_flags(prepared: Checkout, flags: str) -> None:
    prepared.set(MAKEFLAGS=flags)
    done = prepared.run("make", "run")
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert "running 1.0 --stack dev\n" in done.stdout


def test_activated_environment_prepares_itself(prepared: Checkout) -> None:
    (prepared.packages / "beta/command.py").unlink()
    prepared.set(
        PATH=f"{prepared.python.parent}{os.pathsep}{prepared.environ['PATH']}",
        VIRTUAL_ENV=str(prepared.root / ".venv"),
    )
    done = prepared.toolchain("prepare", "dev", python="python3")
    assert done.returncode == 0, done.stderr
    prepared.assert_has("dev")
    home = re.search(
        "^home = (.*)$", (prepared.root / ".venv/pyvenv.cfg").read_text(), re.MULTILINE
    )
    assert home
    assert ".venv" not in home[1]


@pytest.mark.parametrize("mask", [0o077, 0o000], ids=oct)
def test_packages_are_installed_with_any_umask(fresh: Checkout, mask: int) -> None:
    command = " ".join(f"'{word}'" for word in fresh.command("prepare", "deploy", "page"))
    done = fresh.run("sh", "-c", f"umask {mask:o} && exec {command}")
    assert done.returncode == 0, done.stderr
    fresh.assert_has("deploy")
    fresh.assert_has("page")


NETWORK = (
    Setting("a variable of pip", {"PIP_FIND_LINKS": "{wheels}"}),
    Setting("a variable of uv", {"UV_FIND_LINKS": "{wheels}"}),
    Setting("pip.conf", files={".config/pip/pip.conf": "[global]\nfind-links = {wheels}\n"}),
    Setting("its older place", files={".pip/pip.conf": "[install]\nfind-links =\n  {wheels}\n"}),
    Setting(
        "pip.conf at another place",
        {"PIP_CONFIG_FILE": "{home}/pip.conf"},
        {"pip.conf": "[global]\nfind-links = {wheels}\nquiet = 3\nuser = true\n"},
    ),
    Setting(
        "pip.conf names an index",
        files={".config/pip/pip.conf": "[global]\nindex-url = file://{wheels}/index\n"},
    ),
    Setting(
        "pip.conf forbids the index, which would not answer",
        files={
            ".config/pip/pip.conf": "[global]\nno-index = true\n"
            "index-url = http://127.0.0.1:9/simple\nfind-links = {wheels}\n"
        },
    ),
)


@pytest.mark.parametrize("setting", NETWORK, ids=name_of)
def test_network_setting_reaches_uv(fresh: Checkout, setting: Setting) -> None:
    empty = fresh.home / "empty-index"
    empty.mkdir()
    fresh.set(PIP_FIND_LINKS=None, PIP_NO_INDEX=None, UV_DEFAULT_INDEX=empty.as_uri())
    if "index" in setting.name:
        fresh.set(UV_DEFAULT_INDEX=None)
        _write_index(fresh.wheels)
    wheels = str(fresh.wheels)
    Setting(
        setting.name,
        {
            name: each and each.replace("{wheels}", wheels)
            for name, each in setting.variables.items()
        },
        {name: each.replace("{wheels}", wheels) for name, each in setting.files.items()},
    ).apply(fresh)
    done = fresh.prepare("deploy")
    assert done.returncode == 0, done.stderr
    fresh.assert_has("deploy")


def _write_index(wheels: Path) -> None:
    """A simple index, as mirrors serve it, in a folder."""
    for name in ("pip", "alpha"):
        folder = wheels / "index" / name
        folder.mkdir(parents=True, exist_ok=True)
        links = [
            f'<a href="../../{each.name}">{each.name}</a>' for each in wheels.glob(f"{name}-*")
        ]
        (folder / "index.html").write_text("".join(links))
