"""Changes of the configuration: what they do to deployed resources and what they keep.

The tests look at a resource's own inputs only. A resource that names a replaced one by its id may
be replaced with it, but no resource that holds data names another.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pulumi
import pytest

from counter_service.infra import bundle
from counter_service.infra.settings import KEYS
from counter_service.local.creators.lambda_function import zipped
from counter_service.paths import ROOT
from counter_service.program import stack_config

from . import urns
from .changes import CHANGES, REPLACED, SWITCHES, graph
from .force_new import FORCE_NEW
from .recorder import Graph, Resource, run

TABLE = "aws:dynamodb/table:Table"
HOLD_DATA = {TABLE, "aws:cloudwatch/logGroup:LogGroup", "aws:s3/bucket:Bucket"}


def runs(key: str) -> tuple[Graph, Graph]:
    before, after = CHANGES[key]
    return graph(before), graph(after)


def replaced(before: Graph, after: Graph) -> list[Resource]:
    """Resources in both graphs that the provider can change only by replacing them."""
    old = {each.urn: each for each in before.resources}
    return [
        new
        for new in after.resources
        if new.urn in old and forces(new.type, old[new.urn].inputs, new.inputs)
    ]


def forces(type_: str, old: dict[str, Any], new: dict[str, Any]) -> bool:
    inputs = FORCE_NEW.get(type_, frozenset())
    return any(old.get(name) != new.get(name) for name in inputs)


def test_every_key_has_a_change() -> None:
    assert CHANGES.keys() == KEYS
    assert SWITCHES | REPLACED.keys() <= KEYS
    for before, after in CHANGES.values():
        assert before != after


@pytest.mark.parametrize("key", CHANGES)
def test_every_type_has_its_force_new_inputs(key: str) -> None:
    types = {r.type for graph in runs(key) for r in graph.resources if r.type.startswith("aws:")}
    assert sorted(types - FORCE_NEW.keys()) == []


@pytest.mark.parametrize("key", CHANGES)
def test_a_change_replaces_what_it_must_and_nothing_else(key: str) -> None:
    assert {r.name for r in replaced(*runs(key))} == REPLACED.get(key, set())


@pytest.mark.parametrize("key", CHANGES)
def test_no_change_replaces_what_holds_data(key: str) -> None:
    assert [r for r in replaced(*runs(key)) if r.type in HOLD_DATA] == []


@pytest.mark.parametrize("key", CHANGES)
def test_no_change_removes_a_table_or_the_logs(key: str) -> None:
    before, after = runs(key)
    logs = before.one("aws:cloudwatch/logGroup:LogGroup", "websocket-logs")
    kept = {r.urn for r in [*before.of(TABLE), logs]}
    assert len(kept) == 3
    assert kept <= {r.urn for r in after.resources}


@pytest.mark.parametrize("key", sorted(CHANGES.keys() - SWITCHES))
def test_a_key_that_is_not_a_switch_adds_and_removes_no_resource(key: str) -> None:
    before, after = runs(key)
    assert {r.urn for r in before.resources} == {r.urn for r in after.resources}


def seen(graph: Graph) -> dict[str, str]:
    """The inputs that the engine compares between two runs."""
    return {r.urn: json.dumps(r.inputs, sort_keys=True, default=contents) for r in graph.resources}


def test_two_runs_of_one_configuration_are_equal_to_the_engine() -> None:
    once, again = (run("dev", stack_config("dev")) for _ in range(2))
    assert seen(once) == seen(again)


@pytest.mark.parametrize("key", sorted(CHANGES.keys() - {"authPackages"}))
def test_a_key_changes_what_the_engine_sees(key: str) -> None:
    before, after = runs(key)
    assert seen(before) != seen(after)


# --- the archive --------------------------------------------------------------------------------


def contents(asset: pulumi.AssetArchive | pulumi.FileAsset) -> dict[str, str]:
    """Names of the files and hashes of their contents, which the engine compares."""
    if isinstance(asset, pulumi.FileAsset):
        return {"": hashlib.sha256(Path(asset.path).read_bytes()).hexdigest()}
    return {
        name: hashlib.sha256(Path(each.path).read_bytes()).hexdigest()  # type: ignore[union-attr]
        for name, each in asset.assets.items()
    }


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """The archive's files in another folder, with other times."""
    for name in bundle.files():
        copy = tmp_path / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy)
        os.utime(copy, (86_400, 86_400))
    return tmp_path


def test_the_archive_depends_on_contents_only(elsewhere: Path) -> None:
    here, there = bundle.archive(), bundle.archive(elsewhere)
    assert contents(there) == contents(here)
    assert zipped(there) == zipped(here)


# --- names over time ----------------------------------------------------------------------------


def test_every_written_urn_is_in_the_graph() -> None:
    assert sorted(set(urns.written()) - set(urns.current())) == [], urns.WHY


def test_every_urn_of_the_graph_is_written() -> None:
    assert sorted(set(urns.current()) - set(urns.written())) == [], urns.WHY
