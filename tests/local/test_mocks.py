"""Resources that the emulator cannot hold are reported."""

from pathlib import Path

import pytest
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs

from counter_service.local.__main__ import _banner
from counter_service.local.errors import LocalError
from counter_service.local.mocks import EmulatorMocks

from .aws import RecordingAws


@pytest.fixture
def mocks() -> EmulatorMocks:
    return EmulatorMocks(RecordingAws())


def test_mocks_list_a_resource_without_a_creator_as_unsupported(mocks: EmulatorMocks) -> None:
    inputs = {"color": "blue"}
    resource = MockResourceArgs("aws:sqs/queue:Queue", "alarms", inputs, custom=True)
    assert mocks.new_resource(resource) == ("alarms", inputs)
    assert mocks.unsupported == ["aws:sqs/queue:Queue alarms"]


@pytest.mark.parametrize(
    ("type_", "custom"), [("counter:infra:Tables", False), ("pulumi:providers:aws", True)]
)
def test_mocks_do_not_list_components_and_providers_as_unsupported(
    mocks: EmulatorMocks, type_: str, custom: bool
) -> None:
    mocks.new_resource(MockResourceArgs(type_, "x", {}, custom=custom))
    assert mocks.unsupported == []


def test_banner_lists_unsupported_resources() -> None:
    outputs = {"WebsiteUrl": "http://a", "WebSocketApiEndpoint": "ws://b"}
    banner = _banner(
        outputs, Path("function.log"), ["aws:sns/topic:Topic b", "aws:sns/topic:Topic a"]
    )
    assert banner.splitlines()[-3:] == [
        "  Declared but not created (not supported by the emulator):",
        "    aws:sns/topic:Topic a",
        "    aws:sns/topic:Topic b",
    ]


def test_mocks_name_a_call_that_they_have_no_response_to(mocks: EmulatorMocks) -> None:
    with pytest.raises(LocalError, match=r"aws:index/getRegion:getRegion.*local\.mocks"):
        mocks.call(MockCallArgs("aws:index/getRegion:getRegion", {}, ""))
