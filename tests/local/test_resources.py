"""What the emulator cannot hold is said, not swallowed."""

from pathlib import Path

import pulumi
import pytest
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs

from counter_service.local.__main__ import _banner
from counter_service.local.archive import zipped
from counter_service.local.emulator import Emulator
from counter_service.local.resources import EmulatedAws


@pytest.fixture
def aws(tmp_path: Path) -> EmulatedAws:
    return EmulatedAws(Emulator("eu-central-1", tmp_path))


def test_an_unknown_type_is_passed_through_and_listed(aws: EmulatedAws) -> None:
    inputs = {"color": "blue"}
    resource = MockResourceArgs("aws:sqs/queue:Queue", "alarms", inputs, custom=True)
    assert aws.new_resource(resource) == ("alarms", inputs)
    assert aws.passed_through == ["aws:sqs/queue:Queue alarms"]


@pytest.mark.parametrize(
    ("type_", "custom"), [("counter:infra:Tables", False), ("pulumi:providers:aws", True)]
)
def test_components_and_providers_are_nothing_to_create(
    aws: EmulatedAws, type_: str, custom: bool
) -> None:
    aws.new_resource(MockResourceArgs(type_, "x", {}, custom=custom))
    assert aws.passed_through == []


def test_the_banner_lists_what_was_passed_through() -> None:
    outputs = {"WebsiteUrl": "http://a", "WebSocketApiEndpoint": "ws://b"}
    banner = _banner(
        outputs, Path("function.log"), ["aws:sns/topic:Topic b", "aws:sns/topic:Topic a"]
    )
    assert banner.splitlines()[-3:] == [
        "  Not emulated, so passed through:",
        "    aws:sns/topic:Topic a",
        "    aws:sns/topic:Topic b",
    ]


def test_a_call_that_it_cannot_answer_is_named(aws: EmulatedAws) -> None:
    with pytest.raises(NotImplementedError, match=r"aws:index/getRegion:getRegion.*resources\.py"):
        aws.call(MockCallArgs("aws:index/getRegion:getRegion", {}, ""))


def test_an_archive_entry_that_is_no_file_is_named() -> None:
    archive = pulumi.AssetArchive({"text.py": pulumi.StringAsset("x = 1")})
    with pytest.raises(NotImplementedError, match=r"text\.py"):
        zipped(archive)
