"""Personal settings of pip, uv, npm and Python do not change what is installed."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.toolchain.checkout import Checkout

ANNOUNCED = {
    "deploy": "Installing requirements.txt into .venv.\n",
    "page": "Building the page, because web/dist has no index.html.\n",
}


@dataclass(frozen=True)
class Setting:
    """What a person has set. `{home}` and `{wheels}` in a value stand for these folders."""

    name: str  # a sentence
    variables: str = ""  # NAME=value, or NAME to remove one
    files: Mapping[str, str] = field(default_factory=dict)  # below the home
    parts: tuple[str, ...] = ("deploy",)
    uv_is_missing: bool = False

    def apply(self, checkout: Checkout) -> None:
        def filled(text: str) -> str:
            text = text.replace("{home}", str(checkout.home))
            return text.replace("{wheels}", str(checkout.wheels))

        for word in self.variables.split():
            name, sign, value = word.partition("=")
            checkout.set(**{name: filled(value) if sign else None})
        for name, text in self.files.items():
            path = checkout.home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(filled(text), encoding="utf-8")
        if self.uv_is_missing:
            (checkout.root / ".toolchain/uv").unlink()


def name_of(setting: Setting) -> str:
    return setting.name


# Each of these variables changes how Python starts, or which one is found.
OF_PYTHON = Setting(
    "variables of Python",
    "CONDA_DEFAULT_ENV=base CONDA_PREFIX=/opt/conda PYTHONDEVMODE=1 "
    "PYTHONHOME=/nowhere PYTHONINSPECT=1 PYTHONIOENCODING=ascii PYTHONOPTIMIZE=2 "
    "PYTHONPATH={home}/hostile PYTHONPLATLIBDIR=nowhere PYTHONSAFEPATH=1 "
    "PYTHONSTARTUP={home}/hostile/re.py PYTHONUSERBASE={home}/hostile PYTHONVERBOSE=1 "
    "PYTHONWARNINGS=error VIRTUAL_ENV=/nowhere",
    {"hostile/re.py": "raise SystemExit('This is not the module re.')\n"},
)
# The machine has these, and not a tool.
MACHINES = {
    "HOME is not set, LANG is C": "HOME LANG=C LC_ALL=C",
    "HOME and TMPDIR are not there": "HOME={home}/none TMPDIR=/nowhere",
    "HOME cannot be written, LANG is not installed": "HOME=/proc/nowhere LANG=xx_YY.EUC-JP "
    "LC_ALL=xx_YY.EUC-JP",
    "caches cannot be written, the terminal has settings": "XDG_CACHE_HOME=/proc/nowhere CI=true "
    "CDPATH={home} GREP_OPTIONS=-v NO_COLOR=1 TERM=dumb",
}
# Settings that would break the installation if they applied.
SETTINGS = (
    OF_PYTHON,
    Setting(
        "variables of uv",
        "FORCE_COLOR=1 UV_CONFIG_FILE={home}/uv.toml UV_CONSTRAINT={home}/none.txt "
        "UV_DRY_RUN=1 UV_ENV_FILE={home}/none.env UV_EXCLUDE_NEWER=2001-01-01T00:00:00Z "
        "UV_FROZEN=1 UV_LINK_MODE=symlink UV_NO_BINARY=1 UV_OVERRIDE={home}/none.txt "
        "UV_PREFIX={home}/prefix UV_PROJECT_ENVIRONMENT={home}/other UV_PYTHON=3.8 "
        "UV_QUIET=1 UV_SYSTEM_PYTHON=1 UV_TARGET={home}/target",
        {"uv.toml": "<<<\n"},
    ),
    Setting(
        "files of uv",
        files={
            ".config/uv/uv.toml": 'exclude-newer = "2001-01-01T00:00:00Z"\n'
            '[pip]\nno-binary = [":all:"]\n',
            "../.python-version": "3.8\n",
            "../pyproject.toml": "[tool.uv]\nno-binary = 7\n",
        },
    ),
    Setting(
        "variables of pip",
        "PIP_CONFIG_FILE={home}/pip.conf PIP_CONSTRAINT={home}/none.txt PIP_DRY_RUN=1 "
        "PIP_LOG=/nowhere/log PIP_NO_BINARY=:all: PIP_PREFIX={home}/prefix "
        "PIP_PYTHON=/nowhere/python PIP_QUIET=3 PIP_REQUIRE_VIRTUALENV=1 "
        "PIP_ROOT={home}/root PIP_TARGET={home}/target PIP_USER=1",
        {"pip.conf": "[global]\nuser = true\nquiet = 3\n"},
        uv_is_missing=True,
    ),
    Setting(
        "files of pip",
        files={
            ".config/pip/pip.conf": "[global]\nquiet = 3\nno-binary = :all:\n"
            "[install]\nuser = true\ntarget = {home}/target\n",
            ".pydistutils.cfg": "[install]\nprefix = {home}/prefix\n",
        },
        uv_is_missing=True,
    ),
    Setting(
        "variables of Node and npm",
        "NODE_ENV=production NODE_OPTIONS=--require=/nowhere.js "
        "NPM_CONFIG_PRODUCTION=true npm_config_local_prefix=/nowhere npm_config_omit=dev "
        "npm_config_prefix={home}/prefix",
        parts=("page",),
    ),
    Setting(
        "npmrc says what npm installs",
        files={
            ".npmrc": "omit[]=dev\nomit[]=optional\nproduction=true\nbefore=2001-01-01\n"
            "os=sunos\ncpu=mips\nlibc=none\n"
        },
        parts=("page",),
    ),
    Setting(
        "npmrc says where and how npm installs",
        files={
            ".npmrc": "prefix={home}/prefix\nlocation=global\nglobal=true\n"
            "install-strategy=linked\nbin-links=false\n"
            "dry-run=true\nignore-scripts=true\nloglevel=silly\n"
            "node-options=--require /nowhere.js\npackage-lock=false\npackage-lock-only=true\n"
            "script-shell=/nowhere/sh\nworkspaces=true\n"
        },
        parts=("page",),
    ),
    *(Setting(name, variables, parts=("deploy", "page")) for name, variables in MACHINES.items()),
)


@pytest.mark.parametrize("setting", SETTINGS, ids=name_of)
def test_prepare_installs_the_same_whatever_is_set(fresh: Checkout, setting: Setting) -> None:
    setting.apply(fresh)
    done = fresh.prepare(*setting.parts)
    announced = "".join(ANNOUNCED[part] for part in setting.parts)
    assert (done.returncode, done.stderr) == (0, announced)
    fresh.assert_has(*setting.parts, *(["web"] if "page" in setting.parts else []))
    assert fresh.prepare(*setting.parts).stderr == ""


def test_make_starts_python_whatever_is_set(prepared: Checkout) -> None:
    OF_PYTHON.apply(prepared)
    prepared.set(MAKEFLAGS="-j -kswrR --output-sync")
    done = prepared.run("make", "run", "PORT=8080")
    assert (done.returncode, done.stderr) == (0, "")
    assert "running 1.0 --stack dev --port 8080\n" in done.stdout


def test_prepare_repairs_the_environment_that_is_activated(prepared: Checkout) -> None:
    (prepared.packages / "beta/command.py").unlink()
    prepared.set(
        PATH=f"{prepared.python.parent}{os.pathsep}{prepared.environ['PATH']}",
        VIRTUAL_ENV=str(prepared.root / ".venv"),
    )
    done = prepared.prepare("dev", python="python3")
    assert done.returncode == 0, done.stderr
    prepared.assert_has("dev")
    configuration = (prepared.root / ".venv/pyvenv.cfg").read_text()
    home = re.search("^home = (.*)$", configuration, re.MULTILINE)
    assert home
    assert ".venv" not in home[1]


NETWORK = (
    Setting("variable of uv", "UV_FIND_LINKS={wheels}"),
    Setting("index in a variable of pip", "PIP_INDEX_URL=file://{wheels}/index"),
    Setting("old pip.conf", files={".pip/pip.conf": "[install]\nfind-links =\n  {wheels}\n"}),
    Setting(
        "pip.conf that a variable names",
        "PIP_CONFIG_FILE={home}/pip.conf",
        {"pip.conf": "[global]\nfind-links = {wheels}\nquiet = 3\nuser = true\n"},
    ),
    Setting(
        "pip.conf that forbids the index, where nothing listens",
        files={
            ".config/pip/pip.conf": "[global]\nno-index = true\n"
            "index-url = http://127.0.0.1:9/simple\nfind-links = {wheels}\n"
        },
    ),
)


@pytest.mark.parametrize("setting", NETWORK, ids=name_of)
def test_prepare_hands_network_settings_to_uv(fresh: Checkout, setting: Setting) -> None:
    empty = fresh.home / "empty-index"
    empty.mkdir()
    has_index = "index" in setting.name
    default = None if has_index else empty.as_uri()
    fresh.set(PIP_FIND_LINKS=None, PIP_NO_INDEX=None, UV_DEFAULT_INDEX=default)
    if has_index:
        _write_index(fresh.wheels)
    setting.apply(fresh)
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
