"""Looks up advisories on every locked package, with the services of pip-audit and npm audit."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from .lock import LOCKS
from .places import show

NODE_PROJECTS: Final = ("web", "bench/node")
# With hashes and without pip, pip-audit reads the pins and resolves nothing. Without --strict it
# would skip a package about which the service sends no response, and exit with 0.
_PIP_AUDIT: Final = (
    *("--strict", "--disable-pip", "--require-hashes", "--progress-spinner", "off"),
    "--requirement",
)


def main(pip_audit: Sequence[str], npm: Sequence[str], root: Path) -> int:
    """Look up each lock file below `root`, with the output of the two tools shown.

    Args:
        pip_audit: The command of pip-audit, without arguments. It runs in `root`.
        npm: The command of npm, without arguments. It runs in `root`.

    Returns:
        0 when every lock file was looked up and has no advisory, 1 otherwise.
    """
    look_ups = {path: [*pip_audit, *_PIP_AUDIT, path] for path in LOCKS}
    for path in NODE_PROJECTS:
        look_ups[f"{path}/package-lock.json"] = [*npm, "--prefix", str(root / path), "audit"]
    failed = []
    for name, command in look_ups.items():
        show(f"{name}:")
        if subprocess.run(command, cwd=root, check=False).returncode:
            failed.append(name)
    if failed:
        show(
            f"error: There is an advisory for {', '.join(failed)}, or the service did not respond. "
            "Update the packages that are named above with make lock, or run make audit again when "
            "the service can be reached."
        )
    return 1 if failed else 0
