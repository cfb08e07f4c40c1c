"""A wrong configuration, as the engine shows it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pulumi.automation import CommandError

from .stacks import Stack


@pytest.fixture(scope="module")
def stack(new_stack: Callable[..., Stack]) -> Stack:
    return new_stack("dev")


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        # The program checks these.
        ({"memoryMb": "1"}, "memoryMb is '1', but must be a whole number from 128 to 10240."),
        ({"logRetentionDays": "8"}, "logRetentionDays is '8', but must be one of 1, 3, 5,"),
        ({"stageName": "a/b"}, "stageName is 'a/b', but must be 1 to 128 letters,"),
        ({"alarmEmail": "ops"}, "alarmEmail is 'ops', but must be an e-mail address, or empty."),
        ({"authIssuer": "http://a.test"}, "authIssuer is 'http://a.test', but must be an https"),
        ({"allowedOrigins": "[a.test]"}, "allowedOrigins contains 'a.test', but each entry must"),
        (
            {"budgetUsd": "5"},
            "budgetUsd requires alarmEmail. Set alarmEmail, or set budgetUsd to 0.",
        ),
        ({"snapStart": "true"}, "snapStart is unknown. Remove it, or use a key that"),
        ({"aws:region": "Frankfurt"}, "aws:region is 'Frankfurt', but must be a region such as"),
        ({"aws:region": "cn-north-1"}, "aws:region is 'cn-north-1', which belongs to another"),
        ({"aws:assumeRole": "{}"}, "aws:assumeRole is unknown. Remove it: the program reads"),
        ({"emulator:url": "a"}, "emulator:url is unknown. Remove it from the stack's"),
        # The CLI checks these against the types of Pulumi.yaml.
        ({"memoryMb": "many"}, "configuration key 'memoryMb' must be of type 'integer'"),
        ({"website": "yep"}, "configuration key 'website' must be of type 'boolean'"),
        ({"allowedOrigins": "a"}, "configuration key 'allowedOrigins' must be of type 'array"),
    ],
)
def test_wrong_configuration_is_one_sentence_and_creates_nothing(
    stack: Stack, tmp_path: Path, config: dict[str, str], sentence: str
) -> None:
    wrong = stack.fork(tmp_path / "wrong")
    wrong.configure(**config)
    with pytest.raises(CommandError) as raised:
        wrong.up()
    # The Automation API repeats the error of the program as that of the language host.
    errors = re.findall(
        r"^(?:    |.*stderr: )error: (?:an unhandled error occurred: )?(.*)",
        str(raised.value),
        re.MULTILINE,
    )
    [error] = set(errors)
    assert sentence in error
    assert "Traceback" not in str(raised.value)
    assert wrong.account.operations == []
