"""Folders with a package-lock.json, whose packages npm installs from files beside it."""

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
for (const name of ["index.html", "package-lock.json", "package.json", "src/main.ts"])
  sources[name] = crypto.createHash("sha256").update(fs.readFileSync(name)).digest("hex");
fs.mkdirSync(path.join(out, "assets"), { recursive: true });
fs.writeFileSync(path.join(out, "assets/index-0a1b2c3d.js"), "export {}");
fs.writeFileSync(path.join(out, "index.html"), '<script src="/assets/index-0a1b2c3d.js"></script>');
const webSocketUrl = process.env.VITE_WEBSOCKET_URL ?? "unset";
fs.writeFileSync(path.join(out, ".build.json"), JSON.stringify({ sources, webSocketUrl }));
"""


PACKAGES: dict[str, dict[str, Any]] = {
    "builder": {"dev": True, "bin": {"builder": "cli.js"}},
    "native-here": {
        "optional": True,
        **{name: [value] for name, value in node._machine().items()},
    },
    "native-elsewhere": {"optional": True, "os": ["sunos"]},
    "shown": {},
}
KINDS = {
    "dependencies": ["shown"],
    "devDependencies": ["builder"],
    "optionalDependencies": ["native-here", "native-elsewhere"],
}


def write(folder: Path) -> None:
    """A page with a development dependency, and a package for each operating system."""
    (folder / "src").mkdir(parents=True)
    (folder / "src/main.ts").write_text("export {}\n", encoding="utf-8")
    (folder / "index.html").write_text("<title>Small</title>\n", encoding="utf-8")
    files = {name: f"file:{name}-1.0.0.tgz" for name in PACKAGES}
    manifest = {
        "scripts": {"build": "builder"},
        **{kind: {name: files[name] for name in names} for kind, names in KINDS.items()},
    }
    entries = {
        f"node_modules/{name}": {"version": "1.0.0", "resolved": files[name], **entry}
        for name, entry in PACKAGES.items()
    }
    lock = {"lockfileVersion": 3, "requires": True, "packages": {"": manifest, **entries}}
    (folder / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    (folder / "package-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    for name, entry in PACKAGES.items():
        _pack(folder / f"{name}-1.0.0.tgz", {"name": name, "version": "1.0.0", **entry})


def _pack(path: Path, manifest: dict[str, Any]) -> None:
    """Write a package's tarball."""
    files = {"package.json": json.dumps(manifest)}
    if "bin" in manifest:
        files["cli.js"] = BUILD
    with tarfile.open(path, "w:gz") as archive:
        for file, text in files.items():
            member = tarfile.TarInfo(f"package/{file}")
            member.size = len(text.encode())
            member.mode = 0o755
            archive.addfile(member, io.BytesIO(text.encode()))
