"""Selects which of the user's settings reach pip, uv, npm and Node.

Settings of the network do: mirrors, proxies, certificates, timeouts. Settings of what is installed,
where and how do not, because every machine must install what the locks say. If the user's home
cannot be written, the caches of uv and npm are in the checkout.
"""

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from . import processes

# Variables that change how a child process starts, or what it imports and installs.
_DROPPED: Final = re.compile(
    r"PIP_|UV_|PYTHON(?!UNBUFFERED$)|VIRTUAL_ENV|CONDA_|NODE_(?!EXTRA_CA_CERTS$|USE_SYSTEM_CA$|USE_ENV_PROXY$)"
    r"|VITE_|(?i:npm_)|INIT_CWD$|__PYVENV_LAUNCHER__$"
)
_NETWORK_OF_UV: Final = re.compile(
    r"UV_(DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL|INDEX_\w+_(USERNAME|PASSWORD)|FIND_LINKS"
    r"|OFFLINE|HTTP_\w+|NATIVE_TLS|SYSTEM_CERTS|INSECURE_HOST|KEYRING_PROVIDER"
    r"|CACHE_DIR|CONCURRENT_\w+)$"
)
_NETWORK_OF_NPM: Final = re.compile(
    r"(?i:npm_config_(registry|ca|cafile|proxy|https?[-_]proxy|noproxy|strict[-_]ssl|cache"
    r"|fetch[-_]\w+|userconfig|globalconfig|//.*|@.*))$"
)
# pip's option, and the variable by which uv takes the same setting.
_PIP_TO_UV: Final = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}
LOOPBACK: Final = ("127.0.0.1", "localhost")
_TRUE: Final = ("1", "true", "yes", "on", "y", "t")  # as pip reads them
_NETWORK_OF_PIP: Final = (
    *_PIP_TO_UV,
    *(
        "no-index",
        "client-cert",
        "default-timeout",
        "timeout",
        "retries",
        "keyring-provider",
        "cache-dir",
    ),
)
_READ_BY_PIP_CONFIG: Final = {
    "PIP_CONFIG_FILE",
    *(f"PIP_{option.upper().replace('-', '_')}" for option in _NETWORK_OF_PIP),
}


def neutral(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` without any setting of Python, pip, uv, Node or npm."""
    return {name: value for name, value in environ.items() if not _DROPPED.match(name)}


def for_npm(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of npm and Node. npm also reads the user's .npmrc (see node.INSTALL)."""
    kept = {name: value for name, value in environ.items() if _NETWORK_OF_NPM.match(name)}
    return neutral(environ) | kept


def for_pip(environ: Mapping[str, str], pip_config: Mapping[str, str]) -> dict[str, str]:
    """The environment of pip. `pip_config` is a result of `network_of_pip`."""
    options = {f"PIP_{name.upper().replace('-', '_')}": each for name, each in pip_config.items()}
    # No configuration file, because only its network settings may apply.
    return (
        neutral(environ)
        | options
        | {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    )


def for_uv(environ: Mapping[str, str], pip_config: Mapping[str, str]) -> dict[str, str]:
    """The environment of uv: the user's network settings for uv, and otherwise those for pip."""
    own = {name: value for name, value in environ.items() if _NETWORK_OF_UV.match(name)}
    translated = {
        _PIP_TO_UV[name]: ",".join(value.split()) if name == "find-links" else value
        for name, value in pip_config.items()
        if name in _PIP_TO_UV
    }
    if "UV_INDEX_URL" in own:  # its older name
        translated.pop("UV_DEFAULT_INDEX", None)
    fixed = {
        "UV_NO_CONFIG": "1",  # no configuration file, because only network settings may apply
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_INDEX_STRATEGY": "unsafe-best-match",  # as pip does; the hashes make it safe
    }
    return translated | neutral(environ) | own | fixed


def without_proxy_for_loopback(environ: Mapping[str, str]) -> dict[str, str]:
    """NO_PROXY, in both spellings, with the addresses of this machine added.

    Without it, gRPC (between the Pulumi CLI and its plugins) and Python's HTTP clients would send
    loopback requests through a proxy.
    """
    hosts = environ.get("no_proxy") or environ.get("NO_PROXY") or ""
    if hosts.strip() != "*":
        known = [host.strip() for host in hosts.split(",") if host.strip()]
        hosts = ",".join([*known, *(each for each in LOOPBACK if each not in known)])
    return {"no_proxy": hosts, "NO_PROXY": hosts}


def options_for_uv(pip_config: Mapping[str, str]) -> list[str]:
    """pip's network settings for which uv has an option, but no variable."""
    return ["--no-index"] if pip_config.get("no-index", "").lower() in _TRUE else []


def network_of_pip(pip: Sequence[str | Path], environ: Mapping[str, str]) -> dict[str, str] | None:
    """pip's network settings by option, from its files and variables. None: pip does not run.

    Args:
        pip: The command, such as ["python", "-m", "pip"].
    """
    kept = {name: value for name, value in environ.items() if name in _READ_BY_PIP_CONFIG}
    # The user's `quiet` or `log` would keep pip from printing. `user`, which is meant for
    # installations, would make it read only one file.
    fixed = {"PIP_QUIET": "0", "PIP_LOG": os.devnull, "PIP_USER": "0", "PIP_GLOBAL": "0"}
    try:
        listing = processes.run([*pip, "config", "list"], neutral(environ) | kept | fixed)
    except OSError:
        return None
    return None if listing.returncode else parse_pip_config(listing.stdout)


def parse_pip_config(listing: str) -> dict[str, str]:
    """The network options in the output of `pip config list`.

    A line is `section.option='value'`. As in pip, variables (section `:env:`) take precedence over
    the section `install`, and that over `global`.
    """
    found: dict[tuple[str, str], str] = {}
    for line in listing.splitlines():
        key, _, value = line.partition("=")
        section, _, option = key.rpartition(".")
        if option in _NETWORK_OF_PIP:
            found[section, option] = " ".join(shlex.split(value.replace("\\n", " ")))
    return {
        option: found[section, option]
        for section in ("global", "install", ":env:")
        for known, option in found
        if known == section
    }


def cache_of_uv(environ: Mapping[str, str], tools: Path) -> dict[str, str]:
    """The variable that places uv's cache in `tools`. Empty if uv can write to its usual one."""
    usual = environ.get("UV_CACHE_DIR") or _home(environ, "XDG_CACHE_HOME", ".cache") / "uv"
    return {} if _is_writable(Path(usual)) else {"UV_CACHE_DIR": str(tools / "cache" / "uv")}


def cache_of_npm(environ: Mapping[str, str], tools: Path) -> dict[str, str]:
    """The variable that places npm's cache in `tools`. Empty if npm can write to its usual one."""
    if any(name.lower() == "npm_config_cache" for name in environ):
        return {}
    usual = _home(environ, "HOME", "") / ".npm"
    return {} if _is_writable(usual) else {"npm_config_cache": str(tools / "cache" / "npm")}


def _home(environ: Mapping[str, str], variable: str, folder: str) -> Path:
    """The folder that the variable names, or else `folder` in the home."""
    if variable in environ:
        return Path(environ[variable])
    try:
        return Path.home() / folder
    except RuntimeError:  # neither HOME nor the machine's list of users names a home
        return Path(os.devnull)


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)
