"""Personal settings of pip, uv, npm and Python do not change what is installed."""

import os
import re

import pytest

from tests.toolchain.checkout import Checkout

ANNOUNCED = {
    "uv": "",
    "deploy": "Installing requirements.txt into .venv.\n",
    "page": "Building the page, because web/dist has no index.html.\n",
}
# A setting has variables (NAME=value, or NAME to remove one) and a script that writes files.
Setting = tuple[str, str]

# Each of these variables changes how Python starts, or which one is found.
OF_PYTHON = (
    """CONDA_DEFAULT_ENV=base CONDA_PREFIX=/opt/conda PYTHONDEVMODE=1 PYTHONHOME=/nowhere
    PYTHONINSPECT=1 PYTHONIOENCODING=ascii PYTHONOPTIMIZE=2 PYTHONPATH={home}/hostile
    PYTHONPLATLIBDIR=nowhere PYTHONSAFEPATH=1 PYTHONSTARTUP={home}/hostile/re.py
    PYTHONUSERBASE={home}/hostile PYTHONVERBOSE=1 PYTHONWARNINGS=error VIRTUAL_ENV=/nowhere""",
    "mkdir ~/hostile; echo 'raise SystemExit(7)' > ~/hostile/re.py",
)
# Settings that would break the installation if they applied, by the parts that are prepared.
# With "uv", uv itself is missing, and pip installs it.
SETTINGS: dict[tuple[str, ...], dict[str, Setting]] = {
    ("uv", "deploy", "page"): {
        "variables of Python, pip, uv, Node and npm": (
            f"""{OF_PYTHON[0]}
            PIP_CONFIG_FILE={{home}}/pip.conf PIP_CONSTRAINT={{home}}/none.txt PIP_DRY_RUN=1
            PIP_LOG=/nowhere/log PIP_NO_BINARY=:all: PIP_PREFIX={{home}}/prefix
            PIP_PYTHON=/nowhere/python PIP_QUIET=3 PIP_REQUIRE_VIRTUALENV=1
            PIP_ROOT={{home}}/root PIP_TARGET={{home}}/target PIP_USER=1
            FORCE_COLOR=1 UV_CONFIG_FILE={{home}}/uv.toml UV_CONSTRAINT={{home}}/none.txt
            UV_DRY_RUN=1 UV_ENV_FILE={{home}}/none.env UV_EXCLUDE_NEWER=2001-01-01T00:00:00Z
            UV_FROZEN=1 UV_LINK_MODE=symlink UV_NO_BINARY=1 UV_OVERRIDE={{home}}/none.txt
            UV_PREFIX={{home}}/prefix UV_PROJECT_ENVIRONMENT={{home}}/other UV_PYTHON=3.8
            UV_QUIET=1 UV_SYSTEM_PYTHON=1 UV_TARGET={{home}}/target
            NODE_ENV=production NODE_OPTIONS=--require=/nowhere.js NPM_CONFIG_PRODUCTION=true
            npm_config_local_prefix=/nowhere npm_config_omit=dev
            npm_config_prefix={{home}}/prefix""",
            f"""{OF_PYTHON[1]}
            printf '%s\\n' '[global]' user=true quiet=3 > ~/pip.conf
            echo '<<<' > ~/uv.toml""",
        ),
        "files of pip, uv and npm": (
            "",
            """printf '%s\\n' '[install]' prefix=$HOME/prefix > ~/.pydistutils.cfg
            mkdir -p ~/.config/pip; printf '%s\\n' '[global]' quiet=3 no-binary=:all: '[install]' \\
            user=true target=$HOME/target > ~/.config/pip/pip.conf
            echo 3.8 > ../.python-version; echo 'tool.uv.no-binary = 7' > ../pyproject.toml
            mkdir -p ~/.config/uv; echo 'exclude-newer = "2001-01-01T00:00:00Z"
            pip.no-binary = [":all:"]' > ~/.config/uv/uv.toml
            printf '%s\\n' 'omit[]=dev' 'omit[]=optional' production=true before=2001-01-01 \\
            os=sunos cpu=mips libc=none > ~/.npmrc""",
        ),
    },
    ("page",): {
        "npmrc says where and how npm installs": (
            "",
            """printf '%s\\n' prefix=$HOME/prefix location=global global=true bin-links=false \\
            install-strategy=linked dry-run=true ignore-scripts=true loglevel=silly \\
            node-options='--require /nowhere.js' package-lock=false package-lock-only=true \\
            script-shell=/nowhere/sh workspaces=true > ~/.npmrc""",
        ),
    },
    ("deploy", "page"): {  # the machine has these, and not a tool
        "HOME is not set, LANG is C": ("HOME LANG=C LC_ALL=C", ""),
        "HOME and TMPDIR are not there": ("HOME={home}/none TMPDIR=/nowhere", ""),
        "HOME cannot be written, LANG is not installed": (
            "HOME=/proc/nowhere LANG=xx_YY.EUC-JP LC_ALL=xx_YY.EUC-JP",
            "",
        ),
        "caches cannot be written, the terminal has settings": (
            "XDG_CACHE_HOME=/proc/nowhere CDPATH={home} CI=1 GREP_OPTIONS=-v NO_COLOR=1 TERM=dumb",
            "",
        ),
    },
}


def apply(setting: Setting, checkout: Checkout) -> None:
    variables, script = setting
    checkout.change(script)
    for word in variables.format(home=checkout.home, wheels=checkout.wheels).split():
        name, sign, value = word.partition("=")
        checkout.set(**{name: value if sign else None})


@pytest.mark.parametrize(
    ("parts", "setting"),
    [
        pytest.param(parts, setting, id=name)
        for parts, settings in SETTINGS.items()
        for name, setting in settings.items()
    ],
)
def test_prepare_installs_the_same_whatever_is_set(
    fresh: Checkout, parts: tuple[str, ...], setting: Setting
) -> None:
    apply(setting, fresh)
    if "uv" in parts:
        (fresh.root / ".toolchain/uv").unlink()
    wanted = [part for part in parts if part != "uv"]
    done = fresh.prepare(*wanted)
    assert (done.returncode, done.stderr) == (0, "".join(ANNOUNCED[part] for part in wanted))
    fresh.assert_has(*wanted, *(["web"] if "page" in parts else []))
    assert fresh.prepare(*wanted).stderr == ""


def test_make_starts_python_whatever_is_set(prepared: Checkout) -> None:
    apply(OF_PYTHON, prepared)
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
    configuration = (prepared.root / ".venv/pyvenv.cfg").read_text(encoding="utf-8")
    home = re.search("^home = (.*)$", configuration, re.MULTILINE)
    assert home
    assert ".venv" not in home[1]


NETWORK: dict[str, Setting] = {
    "variable of uv": ("UV_FIND_LINKS={wheels}", ""),
    "index in a variable of pip": ("PIP_INDEX_URL=file://{wheels}/index", ""),
    "old pip.conf": (
        "",
        "mkdir ~/.pip; printf '%s\\n' '[install]' 'find-links =' \" $WHEELS\" > ~/.pip/pip.conf",
    ),
    "pip.conf that a variable names": (
        "PIP_CONFIG_FILE={home}/pip.conf",
        "printf '%s\\n' '[global]' find-links=$WHEELS quiet=3 user=true > ~/pip.conf",
    ),
    "pip.conf that forbids the index, where nothing listens": (
        "",
        """mkdir -p ~/.config/pip; printf '%s\\n' '[global]' no-index=true find-links=$WHEELS \\
        index-url=http://127.0.0.1:9/simple > ~/.config/pip/pip.conf""",
    ),
}
# A simple index, as mirrors serve it, in a folder. Another one is empty.
INDEX = """mkdir ~/empty-index; cd $WHEELS; for name in pip alpha; do
    mkdir -p index/$name; ls | sed -n "s|^$name-.*|<a href=../../&>&</a>|p" > index/$name/index.html
done"""


@pytest.mark.parametrize("name", NETWORK)
def test_prepare_hands_network_settings_to_uv(fresh: Checkout, name: str) -> None:
    fresh.change(INDEX)
    default = None if "index" in name else (fresh.home / "empty-index").as_uri()
    fresh.set(PIP_FIND_LINKS=None, PIP_NO_INDEX=None, UV_DEFAULT_INDEX=default)
    apply(NETWORK[name], fresh)
    done = fresh.prepare("deploy")
    assert done.returncode == 0, done.stderr
    fresh.assert_has("deploy")
