"""What a local run changes in the configuration, and that it changes nothing else."""

import json
import sysconfig

import pytest

from counter_service.local.__main__ import _parser
from counter_service.local.access import PACKAGES, for_here, needs_token
from counter_service.program import stack_config

PAGE = "http://127.0.0.1:8080"
AUTH = {
    "counter-service:authIssuer": "https://login.example.com",
    "counter-service:authAudience": "counter",
}


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_page_of_the_run_may_connect(stack: str) -> None:
    config = stack_config(stack) | {"counter-service:allowedOrigins": '["https://a.test"]'}
    here = for_here(config, PAGE)
    assert json.loads(here["counter-service:allowedOrigins"]) == ["https://a.test", PAGE]
    assert {key for key in here if here[key] != config.get(key)} == {
        "counter-service:allowedOrigins"
    }


@pytest.mark.parametrize("wrong", ["https://a.test", '"text"', ""])
def test_a_wrong_value_stays_for_the_program_to_name(wrong: str) -> None:
    config = stack_config("dev") | {"counter-service:allowedOrigins": wrong}
    assert for_here(config, PAGE) == config


def test_with_authentication_the_packages_are_those_of_this_machine() -> None:
    config = stack_config("dev") | AUTH
    assert needs_token(config)
    here = for_here(config, PAGE)
    assert here["counter-service:authPackages"] == PACKAGES
    assert f".{here['emulator:platform']}.so" == sysconfig.get_config_var("EXT_SUFFIX")


def test_without_authentication_nobody_needs_a_token() -> None:
    assert not needs_token(stack_config("dev"))
    assert not needs_token(stack_config("prod"))


def test_keys_of_the_configuration_may_be_given_for_a_run() -> None:
    values = ["throttleRate=7", 'allowedOrigins=["https://a.test?b=c"]', "aws:region=us-west-2"]
    arguments = [argument for value in values for argument in ("--config", value)]
    assert _parser().parse_args(arguments).config == [
        ("counter-service:throttleRate", "7"),
        ("counter-service:allowedOrigins", '["https://a.test?b=c"]'),
        ("aws:region", "us-west-2"),
    ]
    assert _parser().parse_args([]).config == []


@pytest.mark.parametrize("text", ["throttleRate", "=7", ""])
def test_what_is_no_key_and_value_is_named(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        _parser().parse_args(["--config", text])
    assert f"{text!r} is not KEY=VALUE: try throttleRate=10" in capsys.readouterr().err
