"""Builds the page into web/dist, and checks whether it was built from the current sources."""

import json
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final

from . import node, places, processes
from .errors import ToolchainError

INDEX: Final = "index.html"

# The inputs of a build, below web/. web/vite.config.ts has the same list, and writes a stamp:
# {"sources": {path: SHA-256 in hex}, "webSocketUrl": the value of VITE_WEBSOCKET_URL}
SOURCES: Final = (
    "browsers",
    "index.html",
    "package-lock.json",
    "package.json",
    "public",
    "src",
    "tsconfig.json",
    "vite.config.ts",
)
STAMP: Final = ".build.json"


def ensure(web: Path, announce: Callable[[str], object]) -> None:
    """Build the page unless web/dist was built from the current sources.

    Args:
        web: The folder of the sources.
        announce: Called with one line before a build.

    Raises:
        ToolchainError: The page cannot be built.
    """
    if outdated(web) is None and not places.has_leftovers(web / "dist"):
        return
    with places.exclusive(web.parent):
        places.remove_leftovers(web / "dist")
        if (why := outdated(web)) is None:  # another command has built the page meanwhile
            return
        announce(f"Building the page, because {why}.")
        try:
            build(web)
        except ToolchainError as problem:
            raise ToolchainError(
                f"The page is not built: {why}. {problem} Then run make build."
            ) from problem


def outdated(web: Path) -> str | None:
    """The reason why web/dist must be built, as a clause. None: it is up to date."""
    stamp = web / "dist" / STAMP
    try:
        index = (web / "dist" / INDEX).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "web/dist has no index.html"
    for asset in re.findall(r'(?:src|href)="?/(assets/[^"\s>]+)', index):
        if not (web / "dist" / asset).is_file():
            return f"web/dist has no {asset}"
    try:
        match json.loads(stamp.read_bytes()):
            case {"sources": dict(then), "webSocketUrl": str(override)}:
                pass
            case _:
                then, override = {}, ""
    except (OSError, ValueError):
        then, override = {}, ""
    # Compare contents, because the files of a fresh clone all have new modification times.
    now = _hashes(web)
    changed = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    if changed:
        return f"web/dist does not match web/{changed[0]}"
    if override:
        return f"web/dist was built with VITE_WEBSOCKET_URL and connects to {override} everywhere"
    return None


def build(web: Path) -> None:
    """Build the page into web/dist, which is replaced as a whole.

    Raises:
        ToolchainError: The packages cannot be installed, or the sources have an error.
    """
    root = web.parent
    node.ensure_modules(web, root, announce=lambda _: None)  # the build was announced
    environment = node.environ(root)
    # One bundle serves every stack, so it must not contain an address. An empty variable also
    # overrides web/.env.
    environment["VITE_WEBSOCKET_URL"] = ""
    with places.exclusive(root), places.replacing(web / "dist") as new:
        command = node.command_of_npm(environment)
        done = processes.run(
            [
                command,
                *node.RUN,
                "run",
                "--silent",
                "build",
                "--",
                "--outDir",
                new,
                "--emptyOutDir",
            ],
            environment,
            web,
        )
        if done.returncode or not (new / INDEX).is_file():
            places.show((done.stdout + done.stderr).strip())
            raise ToolchainError("The build failed. Correct the errors above in the sources.")


def _hashes(web: Path) -> dict[str, str]:
    files = [
        path for source in SOURCES for path in [web / source, *(web / source).rglob("*")]
    ]  # rglob of a file is empty
    return {
        path.relative_to(web).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.is_file() and not path.name.startswith(".")  # such as an editor's swap file
    }
