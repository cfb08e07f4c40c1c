"""The built page: its files as they are uploaded, and whether the build is that of the sources."""

import json
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import pulumi

WEB: Final = Path(__file__).resolve().parents[2] / "web"
INDEX: Final = "index.html"
CONFIG: Final = "config.json"

# What a build is made of, below web/. web/vite.config.ts has the same list, and writes a stamp:
# {"sources": {path: SHA-256 in hex}, "webSocketUrl": what VITE_WEBSOCKET_URL was}
SOURCES: Final = (
    "index.html",
    "package-lock.json",
    "public",
    "src",
    "tsconfig.json",
    "vite.config.ts",
)
STAMP: Final = ".build.json"

CONTENT_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webp": "image/webp",
}
A_YEAR: Final = "public, max-age=31536000, immutable"
# Asked for anew each time. Not no-store: a browser keeps such a page out of its back/forward cache.
CHECKED: Final = "no-cache"

_ASSETS: Final = "assets/"
_HASHED_NAME: Final = r".+-[A-Za-z0-9_-]{8}\.[a-z0-9]+"


@dataclass(frozen=True, slots=True)
class SiteFile:
    key: str  # in the bucket, and the URL's path without the first slash
    path: Path
    content_type: str

    @property
    def hashed(self) -> bool:
        """The name says what is in it: another content has another name."""
        return self.key.startswith(_ASSETS)

    @property
    def cache_control(self) -> str:
        return A_YEAR if self.hashed else CHECKED


def built(web: Path | None = None) -> tuple[SiteFile, ...]:
    """The files of web/dist by key, index.html among them.

    Raises pulumi.RunError when the page is not built, was built from other sources, or has a file
    that cannot be served right.
    """
    web = web or WEB
    dist = web / "dist"
    if not (dist / INDEX).is_file():
        raise pulumi.RunError("The page is not built: web/dist has no index.html. Run make build.")
    _refuse_another_build(web, dist / STAMP)
    return tuple(
        _site_file(dist, path)
        for path in sorted(dist.rglob("*"))
        if path.is_file() and path != dist / STAMP
    )


def content_type(name: str) -> str:
    """Raises pulumi.RunError for a suffix that is not in the table."""
    suffix = Path(name).suffix
    if suffix not in CONTENT_TYPES:
        raise pulumi.RunError(
            f"web/dist/{name} has no known content type: "
            f"add {suffix or 'a suffix'} to CONTENT_TYPES in infra/site_files.py."
        )
    return CONTENT_TYPES[suffix]


def _refuse_another_build(web: Path, stamp: Path) -> None:
    try:
        match json.loads(stamp.read_bytes()):
            case {"sources": dict(then), "webSocketUrl": str(override)}:
                pass
            case _:
                then, override = {}, ""
    except (OSError, ValueError):
        then, override = {}, ""
    # By content: the times of a fresh clone's files say nothing.
    now = _hashes(web)
    changed = sorted(name for name in then.keys() | now.keys() if then.get(name) != now.get(name))
    if changed:
        raise pulumi.RunError(
            f"The page in web/dist was built from other sources than web/{changed[0]} is now. "
            "Run make build."
        )
    if override:
        raise pulumi.RunError(
            f"The page in web/dist connects to {override} in every stack, since it was built with "
            "VITE_WEBSOCKET_URL. Run make build."
        )


def _hashes(web: Path) -> dict[str, str]:
    files = [
        path for source in SOURCES for path in [web / source, *(web / source).rglob("*")]
    ]  # rglob of a file is empty
    return {
        path.relative_to(web).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.is_file() and not path.name.startswith(".")  # editors leave such files about
    }


def _site_file(dist: Path, path: Path) -> SiteFile:
    key = path.relative_to(dist).as_posix()
    if key == CONFIG:
        raise pulumi.RunError(
            "web/dist/config.json is written at deploy time: remove it from web/public."
        )
    if key.startswith(_ASSETS) and not re.fullmatch(_HASHED_NAME, path.name):
        raise pulumi.RunError(
            f"web/dist/{key} would be cached for a year, but has no hash in its name: "
            "move it out of web/public/assets."
        )
    return SiteFile(key, path, content_type(key))
