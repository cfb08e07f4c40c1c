"""Wheels that the tests make themselves, so that an installation needs no network."""

import base64
import hashlib
import shlex
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

# Python packages of the small checkout. pip is not the real one, which would take 2 s.
VERSIONS = {"pip": "99.0", "alpha": "1.0", "beta": "2.0", "gamma": "3.0"}


def make_all(folder: Path) -> dict[str, str]:
    """Write every wheel into `folder`, and return its SHA-256 in hex by `name==version`."""
    folder.mkdir(parents=True)
    return {
        f"{name}=={version}": make(folder, name, version, _module(name, version))
        for name, version in (*VERSIONS.items(), ("alpha", "0.9"))
    }


def make(folder: Path, name: str, version: str, files: Mapping[str, str]) -> str:
    """Write a wheel for every platform, and return its SHA-256 in hex."""
    information = f"{name}-{version}.dist-info"
    files = {
        **files,
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [f"{path},{_digest(text)},{len(text.encode())}" for path, text in files.items()]
    record = f"{information}/RECORD"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for each, text in {**files, record: "\n".join([*lines, f"{record},,", ""])}.items():
            member = zipfile.ZipInfo(each)
            mode = 0o755 if "/scripts/" in each else 0o644
            member.external_attr = (stat.S_IFREG | mode) << 16
            archive.writestr(member, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_uv(folder: Path, version: str, program: Path) -> str:
    """Write a wheel whose `uv` starts the real `program`: pip installs it in no time."""
    script = f'#!/bin/sh\nexec {shlex.quote(str(program))} "$@"\n'
    return make(folder, "uv", version, {f"uv-{version}.data/scripts/uv": script})


def _module(name: str, version: str) -> dict[str, str]:
    return {
        f"{name}/__init__.py": f'VERSION = "{version}"\n',
        f"{name}/__main__.py": f"from {name}.command import main\nmain()\n",
        f"{name}/command.py": f'def main() -> None:\n    print("{name} {version}")\n',
        f"{name}-{version}.dist-info/entry_points.txt": (
            f"[console_scripts]\n{name} = {name}.command:main\n"
        ),
    }


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
