"""The page: whether web/dist was built from the sources in web/, and the build."""

import json
import shutil
import subprocess
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final

from . import node, places
from .errors import ToolchainError

INDEX: Final = "index.html"

# What a build is made of, below web/. web/vite.config.ts has the same list, and writes a stamp:
# {"sources": {path: SHA-256 in hex}, "webSocketUrl": the value of VITE_WEBSOCKET_URL}
SOURCES: Final = (
    "index.html",
    "package-lock.json",
    "public",
    "src",
    "tsconfig.json",
    "vite.config.ts",
)
STAMP: Final = ".build.json"


def ensure(web: Path, announce: Callable[[str], object]) -> None:
    """Build the page unless web/dist is a build of the sources as they are.

    Args:
        web: the folder of the sources.
        announce: is called with one line before a build.

    Raises ToolchainError when the page cannot be built.
    """
    if (why := outdated(web)) is None:
        return
    announce(f"Building the page, because {why}.")
    try:
        build(web)
    except ToolchainError as problem:
        raise ToolchainError(
            f"The page is not built: {why}. {problem} Then run make build."
        ) from problem


def outdated(web: Path) -> str | None:
    """Why web/dist must be built, as a clause; None when it is current."""
    stamp = web / "dist" / STAMP
    if not (web / "dist" / INDEX).is_file():
        return "web/dist has no index.html"
    try:
        match json.loads(stamp.read_bytes()):
            case {"sources": dict(then), "webSocketUrl": str(override)}:
                pass
            case _:
                then, override = {}, ""
    except (OSError, ValueError):
        then, override = {}, ""
    # By content, because the times of a fresh clone's files say nothing.
    now = _hashes(web)
    changed = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    if changed:
        return f"web/dist was built from other sources than web/{changed[0]} is now"
    if override:
        return f"web/dist was built with VITE_WEBSOCKET_URL and connects to {override} everywhere"
    return None


def build(web: Path) -> None:
    """Build the page into web/dist, which is replaced as a whole.

    Raises ToolchainError when the packages cannot be installed, or the sources have an error.
    """
    root = web.parent
    node.ensure_modules(web, root, announce=lambda _: None)  # the build itself is announced
    environment = node.environ(root)
    # One bundle serves every stack, so no VITE_WEBSOCKET_URL, not even of web/.env, gets into it.
    environment["VITE_WEBSOCKET_URL"] = ""
    with places.exclusive(root), places.replacing(web / "dist") as new:
        command = shutil.which("npm", path=environment["PATH"]) or "npm"
        done = subprocess.run(
            [command, "run", "--silent", "build", "--", "--outDir", new, "--emptyOutDir"],
            cwd=web,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode or not (new / INDEX).is_file():
            places.show(done.stdout)
            raise ToolchainError("The build failed: see above, and correct the sources.")


def _hashes(web: Path) -> dict[str, str]:
    files = [
        path for source in SOURCES for path in [web / source, *(web / source).rglob("*")]
    ]  # rglob of a file is empty
    return {
        path.relative_to(web).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.is_file() and not path.name.startswith(".")  # editors leave such files about
    }
