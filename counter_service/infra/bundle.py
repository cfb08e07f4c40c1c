"""The function's archive: an explicit list of files, so that nothing else can slip in."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pulumi

ROOT: Final = Path(__file__).resolve().parents[2]
RUNTIME: Final = Path("counter_service/runtime")

FILES: Final = (
    "counter_service/__init__.py",
    "counter_service/runtime/__init__.py",
    "counter_service/runtime/access.py",
    "counter_service/runtime/amazon_roots.pem",
    "counter_service/runtime/backoff.py",
    "counter_service/runtime/broadcast.py",
    "counter_service/runtime/channel.py",
    "counter_service/runtime/connection_store.py",
    "counter_service/runtime/contract.py",
    "counter_service/runtime/counter_store.py",
    "counter_service/runtime/counting.py",
    "counter_service/runtime/dynamodb.py",
    "counter_service/runtime/errors.py",
    "counter_service/runtime/events.py",
    "counter_service/runtime/fan_out.py",
    "counter_service/runtime/handler.py",
    "counter_service/runtime/http_answers.py",
    "counter_service/runtime/keys.py",
    "counter_service/runtime/lease.py",
    "counter_service/runtime/logs.py",
    "counter_service/runtime/management.py",
    "counter_service/runtime/metrics.py",
    "counter_service/runtime/origins.py",
    "counter_service/runtime/pool.py",
    "counter_service/runtime/ports.py",
    "counter_service/runtime/protocol.py",
    "counter_service/runtime/sdk.py",
    "counter_service/runtime/service.py",
    "counter_service/runtime/settings.py",
    "counter_service/runtime/signing.py",
    "counter_service/runtime/successor.py",
    "counter_service/runtime/tokens.py",
)


def archive(root: Path = ROOT, packages: Mapping[str, Path] | None = None) -> pulumi.AssetArchive:
    """The runtime's files under their import paths, and beside them those of `packages`.

    Raises pulumi.RunError when a module of the runtime is not listed, or the other way round:
    the function would fail at its first import.
    """
    present = {
        path.relative_to(root).as_posix()
        for pattern in ("*.py", "*.pem")
        for path in (root / RUNTIME).rglob(pattern)
    }
    listed = {name for name in FILES if name.startswith(f"{RUNTIME.as_posix()}/")}
    if present != listed:
        names = ", ".join(sorted(present ^ listed))
        raise pulumi.RunError(
            f"Archive: make FILES in infra/bundle.py agree with the disk: {names}."
        )
    files = {name: root / name for name in FILES} | dict(packages or {})
    return pulumi.AssetArchive({name: pulumi.FileAsset(str(path)) for name, path in files.items()})
