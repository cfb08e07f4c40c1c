"""The function's archive: the `runtime` folder, and nothing else of the project."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pulumi

from counter_service.paths import ROOT

PACKAGE: Final = Path("counter_service")
RUNTIME: Final = PACKAGE / "runtime"

# An editor's backup or a compiled module must not ship, because every change of the archive
# deploys the function again.
_SUFFIXES: Final = frozenset({".py", ".pem"})


def archive(root: Path = ROOT, packages: Mapping[str, Path] | None = None) -> pulumi.AssetArchive:
    """The runtime's files under their import paths, and the files of `packages` beside them."""
    shipped = files(root) | dict(packages or {})
    return pulumi.AssetArchive(
        {name: pulumi.FileAsset(str(shipped[name])) for name in sorted(shipped)}
    )


def files(root: Path = ROOT) -> dict[str, Path]:
    """Every file of the runtime by its path in the archive."""
    runtime = (path for path in (root / RUNTIME).rglob("*") if path.suffix in _SUFFIXES)
    return {
        path.relative_to(root).as_posix(): path
        for path in (root / PACKAGE / "__init__.py", *sorted(runtime))
    }
