"""Folders with a package-lock.json, whose packages npm installs from files beside it."""

import base64
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from counter_service.toolchain import node

# The page's build tool: a development dependency with a command, as Vite is.
BUILD = """#!/usr/bin/env node
const crypto = require("node:crypto"), fs = require("node:fs"), path = require("node:path");
const out = process.argv[process.argv.indexOf("--outDir") + 1];
const sources = {};
for (const name of ["index.html", "package-lock.json", "src/main.ts"])
  sources[name] = crypto.createHash("sha256").update(fs.readFileSync(name)).digest("hex");
fs.mkdirSync(path.join(out, "assets"), { recursive: true });
fs.writeFileSync(path.join(out, "assets/index-0a1b2c3d.js"), "export {}");
fs.writeFileSync(path.join(out, "index.html"), '<script src="/assets/index-0a1b2c3d.js"></script>');
const webSocketUrl = process.env.VITE_WEBSOCKET_URL ?? "unset";
fs.writeFileSync(path.join(out, ".build.json"), JSON.stringify({ sources, webSocketUrl }));
"""


def write(folder: Path) -> None:
    """A page with a development dependency, and a package for each operating system."""
    here = {name: [value] for name, value in node._machine().items()}
    packages: dict[str, dict[str, Any]] = {
        "builder": {"dev": True, "bin": {"builder": "cli.js"}},
        "native-here": {"optional": True, "dev": True, **here},
        "native-elsewhere": {"optional": True, "dev": True, "os": ["sunos"]},
        "shown": {},
    }
    folder.mkdir(parents=True)
    (folder / "src").mkdir()
    (folder / "src/main.ts").write_text("export {}\n")
    (folder / "index.html").write_text("<title>Small</title>\n")
    manifest = {
        "name": "small",
        "version": "1.0.0",
        "private": True,
        "scripts": {"build": "builder", "greet": "node -p 2+3"},
        "dependencies": {"shown": _file("shown")},
        "devDependencies": {"builder": _file("builder")},
        "optionalDependencies": {name: _file(name) for name in ("native-here", "native-elsewhere")},
    }
    entries = {
        f"node_modules/{name}": {
            "version": "1.0.0",
            "resolved": _file(name),
            "integrity": _pack(folder, name, entry),
            **entry,
        }
        for name, entry in packages.items()
    }
    lock = {
        "name": "small",
        "version": "1.0.0",
        "lockfileVersion": 3,
        "requires": True,
        "packages": {"": manifest, **entries},
    }
    (folder / "package.json").write_text(json.dumps(manifest, indent=2) + "\n")
    (folder / "package-lock.json").write_text(json.dumps(lock, indent=2) + "\n")


def _file(name: str) -> str:
    return f"file:{name}-1.0.0.tgz"


def _pack(folder: Path, name: str, entry: dict[str, Any]) -> str:
    """Write a package's tarball, and return its integrity."""
    manifest = {"name": name, "version": "1.0.0", **{k: v for k, v in entry.items() if k != "dev"}}
    manifest.pop("optional", None)
    files = {"package.json": json.dumps(manifest)}
    if "bin" in entry:
        files["cli.js"] = BUILD
    path = folder / f"{name}-1.0.0.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for file, text in files.items():
            member = tarfile.TarInfo(f"package/{file}")
            member.size = len(text.encode())
            member.mode = 0o755
            archive.addfile(member, io.BytesIO(text.encode()))
    return "sha512-" + base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
