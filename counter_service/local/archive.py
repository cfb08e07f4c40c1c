"""The archive of the graph as a zip."""

import io
import zipfile
from pathlib import Path

import pulumi


def zipped(archive: pulumi.AssetArchive) -> bytes:
    """What Lambda would get; the same bytes for the same files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, asset in sorted(archive.assets.items()):
            if not isinstance(asset, pulumi.FileAsset):
                raise NotImplementedError(f"the local run cannot pack {name}: not a file")
            bundle.writestr(zipfile.ZipInfo(name), Path(asset.path).read_bytes())
    return content.getvalue()
