"""No creator drops an input of a resource by accident."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import pulumi
import pytest
from pulumi.runtime.mocks import MockMonitor, MockResourceArgs

from counter_service.local.creators.dynamodb import create_table
from counter_service.local.creators.inputs import Inputs
from counter_service.local.creators.lambda_function import zipped
from counter_service.local.creators.registry import CREATORS
from counter_service.local.errors import LocalError
from counter_service.local.mocks import EmulatorMocks
from counter_service.program import qualified, run_program, stack_config
from tests.infra import page
from tests.infra.recorder import Provider

from .aws import RecordingMiniStack

TABLE = {
    "name": "counter",
    "hashKey": "id",
    "attributes": [{"name": "id", "type": "S"}],
    "billingMode": "PAY_PER_REQUEST",
    "ttl": {"attributeName": "expiresAt", "enabled": True},
}
# Every key that adds resources or inputs, set to a value that does so.
SWITCHED_ON = {
    "tracing": "true",
    "website": "true",
    "alarmEmail": "ops@example.com",
    "allowedOrigins": '["https://a.test"]',
    "authAudience": "counter",
    "authIssuer": "https://login.example.com",
    "authJwksUrl": "https://login.example.com/keys",
    "budgetUsd": "20",
    "clicksPerSecond": "9",
    "reservedConcurrency": "20",
    "tableMaxReadUnits": "200",
    "tableMaxWriteUnits": "50",
}


class InputRecorder(Provider):
    """Runs each creator on the inputs of the graph, and keeps the inputs that it did not read."""

    def __init__(self) -> None:
        self.unread: defaultdict[str, set[str]] = defaultdict(set)

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if creator := CREATORS.get(args.typ):
            inputs = Inputs(args.inputs)
            creator.function(RecordingMiniStack(), inputs)
            self.unread[args.typ] |= {*inputs.unread()}
        return super().new_resource(args)


@pytest.fixture(scope="module")
def unread(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, set[str]]]:
    """For each type in any stack, the inputs that its creator does not read."""
    recorder = InputRecorder()
    on = {qualified(key): value for key, value in SWITCHED_ON.items()}
    with (
        page.installed(tmp_path_factory.mktemp("web")),
        patch("counter_service.infra.auth_dependencies.files", lambda *_: {}),
    ):
        for stack, changes in [("dev", {}), ("prod", {}), ("dev", on)]:
            run_program(MockMonitor(recorder), stack, stack_config(stack) | changes)
        yield recorder.unread


@pytest.mark.parametrize("type_", CREATORS)
def test_creator_reads_every_input_of_every_stack_except_those_it_ignores(
    unread: dict[str, set[str]], type_: str
) -> None:
    assert unread[type_] == {*CREATORS[type_].ignored}


def test_stacks_have_a_resource_of_every_type_that_has_a_creator(
    unread: dict[str, set[str]],
) -> None:
    assert unread.keys() == CREATORS.keys()


@pytest.mark.parametrize(
    ("planted", "dropped"),
    [
        ({"globalSecondaryIndexes": [{"name": "byShard"}]}, "globalSecondaryIndexes"),
        ({"ttl": TABLE["ttl"] | {"grace": 1}}, r"ttl\.grace"),  # type: ignore[operator]
        ({"attributes": [{"name": "id", "type": "S", "size": 1}]}, r"attributes\.size"),
        ({"rangeKey": "shard", "kmsKeyArn": "arn"}, "kmsKeyArn, rangeKey"),
    ],
)
def test_local_run_names_inputs_of_a_table_that_it_would_drop(
    planted: dict[str, Any], dropped: str
) -> None:
    mocks = EmulatorMocks(RecordingMiniStack())
    table = MockResourceArgs("aws:dynamodb/table:Table", "counters", TABLE | planted, custom=True)
    with pytest.raises(
        LocalError,
        match=rf"drop inputs of aws:dynamodb/table:Table counters: {dropped}\. "
        rf"Read them in {create_table.__module__}\.create_table",
    ):
        mocks.new_resource(table)


def test_inputs_count_every_member_of_an_object_that_is_read_as_a_whole() -> None:
    inputs = Inputs({"environment": {"variables": {"TABLE": {"name": "counter"}}}, "timeout": 3})
    assert inputs["environment"].whole("variables") == {"TABLE": {"name": "counter"}}
    assert [*inputs.unread()] == ["timeout"]


def test_inputs_do_not_count_a_membership_test_as_reading() -> None:
    inputs = Inputs({"qualifier": "live"})
    assert "qualifier" in inputs
    assert [*inputs.unread()] == ["qualifier"]


def test_archive_names_an_entry_that_is_not_a_file() -> None:
    archive = pulumi.AssetArchive({"text.py": pulumi.StringAsset("x = 1")})
    with pytest.raises(LocalError, match=r"text\.py"):
        zipped(archive)
