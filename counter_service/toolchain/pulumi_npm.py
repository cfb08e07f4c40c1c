"""Installs the Pulumi CLI from the npm package `pulumi`, a wrapper that downloads the CLI."""

import json
from pathlib import Path
from typing import Final

from . import node
from .processes import call

VERSION: Final = (3, 265, 0)  # the newest that the npm package has
EXECUTABLE: Final = "versions/3.265.0/bin/pulumi"

_PINS: Final = {"pulumi": "3.265.0"}
# With a lock file, npm accepts only a package with this hash.
_LOCK: Final = {
    "lockfileVersion": 3,
    "requires": True,
    "packages": {
        "": {"dependencies": _PINS},
        "node_modules/pulumi": {
            "version": _PINS["pulumi"],
            "integrity": "sha512-ucJ39xgF3OlLZADNJ6AoHa843jHevkfWfEHu+5TyrXAuuS2OPSO465Tda43KVX8J"
            "hogMA6floTJPj3vlR41nng==",
            "bin": {"pulumi": "run.js"},
        },
    },
}

SECONDS_TO_INSTALL = 120.0
SECONDS_TO_DOWNLOAD = 600.0


def install(folder: Path) -> None:
    """Install the package into an empty folder, and let it download the CLI to `EXECUTABLE` there.

    The wrapper downloads into `$PULUMI_HOME/versions` when it is first called. The CLI itself needs
    neither Node nor the wrapper.

    Raises:
        ToolchainError: Node, the package or the CLI cannot be installed.
    """
    # PULUMI_VERSION would make the wrapper download another version.
    environment = {
        name: value for name, value in node.environ().items() if not name.startswith("PULUMI_")
    }
    (folder / "package.json").write_text(
        json.dumps({"private": True, "dependencies": _PINS}), encoding="utf-8"
    )
    (folder / "package-lock.json").write_text(json.dumps(_LOCK), encoding="utf-8")
    call(
        ["npm", *node.INSTALL],
        "npm cannot install the package pulumi",
        cwd=folder,
        environ=environment,
        seconds=SECONDS_TO_INSTALL,
    )
    call(
        [folder / "node_modules" / ".bin" / "pulumi", "version"],
        "The npm package pulumi cannot download the CLI",
        cwd=folder,
        environ=environment | {"PULUMI_HOME": str(folder), "PULUMI_SKIP_UPDATE_CHECK": "true"},
        seconds=SECONDS_TO_DOWNLOAD,
    )
