"""The files of the built page, with their content types and cache headers."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pulumi

from counter_service.paths import ROOT
from counter_service.toolchain import page
from counter_service.toolchain.errors import ToolchainError

WEB: Final = ROOT / "web"
INDEX: Final = page.INDEX
CONFIG: Final = "config.json"

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
# Browsers check it with the server before each use. Not no-store, which would keep the page out of
# the back/forward cache.
CHECKED: Final = "no-cache"

_ASSETS: Final = "assets/"
_HASHED_NAME: Final = r".+-[A-Za-z0-9_-]{8}\.[a-z0-9]+"


@dataclass(frozen=True, slots=True)
class SiteFile:
    """A file of the page.

    Args:
        key: Key in the bucket, which is the path of the URL without its first slash.
    """

    key: str
    path: Path
    content_type: str

    @property
    def hashed(self) -> bool:
        """Whether the name contains a hash of the contents, so that new contents get a new name."""
        return self.key.startswith(_ASSETS)

    @property
    def cache_control(self) -> str:
        """Value of the object's Cache-Control header."""
        return A_YEAR if self.hashed else CHECKED


def built(web: Path | None = None) -> tuple[SiteFile, ...]:
    """The files of web/dist, sorted by key. Builds the page if it is missing or outdated.

    Raises:
        pulumi.RunError: The page cannot be built, or a file of it cannot be served.
    """
    web = web or WEB
    dist = web / "dist"
    try:
        page.ensure(web, pulumi.info)
    except ToolchainError as problem:
        raise pulumi.RunError(str(problem)) from problem
    return tuple(
        _site_file(dist, path)
        for path in sorted(dist.rglob("*"))
        if path.is_file() and path != dist / page.STAMP
    )


def content_type(name: str) -> str:
    """The type of a file by its suffix. Raises pulumi.RunError when CONTENT_TYPES has none."""
    suffix = Path(name).suffix
    if suffix not in CONTENT_TYPES:
        raise pulumi.RunError(
            f"web/dist/{name} has no known content type. "
            f"Add {suffix or 'a suffix'} to CONTENT_TYPES in infra/site_files.py."
        )
    return CONTENT_TYPES[suffix]


def _site_file(dist: Path, path: Path) -> SiteFile:
    key = path.relative_to(dist).as_posix()
    if key == CONFIG:
        raise pulumi.RunError(
            "web/dist/config.json would be overwritten, because the deployment writes that file. "
            "Remove it from web/public."
        )
    if key.startswith(_ASSETS) and not re.fullmatch(_HASHED_NAME, path.name):
        raise pulumi.RunError(
            f"web/dist/{key} would be cached for a year, but its name has no hash. "
            "Move it out of web/public/assets."
        )
    return SiteFile(key, path, content_type(key))
