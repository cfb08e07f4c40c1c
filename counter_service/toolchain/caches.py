"""Where uv and npm keep what they download, also on a machine whose home cannot be written."""

import os
from collections.abc import Mapping
from pathlib import Path


def of_uv(environ: Mapping[str, str], tools: Path) -> dict[str, str]:
    """A variable that names a cache in `tools`, or none when uv can write its usual one."""
    usual = environ.get("UV_CACHE_DIR") or _home(environ, "XDG_CACHE_HOME", ".cache") / "uv"
    return {} if _is_writable(Path(usual)) else {"UV_CACHE_DIR": str(tools / "cache" / "uv")}


def of_npm(environ: Mapping[str, str], tools: Path) -> dict[str, str]:
    """A variable that names a cache in `tools`, or none when npm can write in the home."""
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
    except RuntimeError:  # the user has no entry in the machine's list of users
        return Path(os.devnull)


def _is_writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)
