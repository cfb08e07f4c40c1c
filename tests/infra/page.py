"""A small web folder with its build, so that tests of the graph need no Node."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from counter_service.infra import site_files

SOURCES = {
    "index.html": "<script src=/src/main.tsx>",
    "package-lock.json": "{}",
    "public/favicon.svg": "<svg/>",
    "src/counter/store.ts": "export {}",
    "src/main.tsx": "export {}",
    "tsconfig.json": "{}",
    "vite.config.ts": "export {}",
}
BUILT = {
    "assets/index-BkQ_4f-x.css": "body{}",
    "assets/index-RP0Vahn5.js": "export {}",
    "favicon.svg": "<svg/>",
    "index.html": "<script src=/assets/index-RP0Vahn5.js>",
}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


@contextmanager
def installed(folder: Path) -> Iterator[None]:
    """The program finds the small page instead of web/, which may not be built."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site_files, "WEB", build(folder))
        yield


def build(web: Path, web_socket_url: str = "") -> Path:
    """Sources, and a build of them with its stamp."""
    write(web, SOURCES)
    write(web / "dist", BUILT)
    hashes = {name: sha256(text.encode()).hexdigest() for name, text in SOURCES.items()}
    stamp = {"sources": hashes, "webSocketUrl": web_socket_url}
    write(web / "dist", {".build.json": json.dumps(stamp)})
    return web
