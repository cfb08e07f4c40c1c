"""`python -m tests.infra.urns`: writes urns.json again, after resources were added."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from . import page
from .recorder import Graph, Resource, dev

FILE: Final = Path(__file__).parent / "urns.json"
WHY: Final = (
    "Pulumi identifies a resource by its URN. Renaming it, or moving it to another component, "
    "deletes it in AWS, unless pulumi.ResourceOptions(aliases=[...]) has its old name. "
    "If you added a resource, run python -m tests.infra.urns."
)


def written() -> list[str]:
    urns: list[str] = json.loads(FILE.read_text(encoding="utf-8"))["urns"]
    return urns


def current() -> list[str]:
    """All URNs except those of the page's files, which a build renames on purpose."""
    graph = dev()
    start = "urn:pulumi:dev::counter-service"
    return sorted(
        f"{start}::{_type(graph, each)}::{each.name}"
        for each in graph.resources
        if not each.type.startswith("aws:s3/bucketObject")
    )


def _type(graph: Graph, resource: Resource) -> str:
    # The engine's URN has the types of all components above. Mocks give only the nearest one.
    above = [each for each in graph.resources if each.urn == resource.parent]
    return "$".join([*(_type(graph, each) for each in above), resource.type])


def main() -> int:
    with TemporaryDirectory() as folder, page.installed(Path(folder)):
        return write()


def write() -> int:
    if lost := sorted(set(written()) - set(current())):
        sys.stderr.write(
            "error: These resources are no longer in the graph. Give each replacement an alias, or "
            f"remove from {FILE.name} those that may be deleted in every account:\n"
            + "\n".join(lost)
        )
        return 1
    FILE.write_text(json.dumps({"//": WHY, "urns": current()}, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
