"""The keys of the configuration that a local run overrides."""

import json
import sysconfig

import pytest

from counter_service.local.overrides import (
    PACKAGES,
    allowed_origins,
    needs_token,
    with_local_overrides,
)
from counter_service.program import stack_config

PAGE = "http://127.0.0.1:8080"
AUTH = {
    "counter-service:authIssuer": "https://login.example.com",
    "counter-service:authAudience": "counter",
}


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_local_overrides_allow_the_origin_of_the_page_and_change_no_other_key(stack: str) -> None:
    config = stack_config(stack) | {"counter-service:allowedOrigins": '["https://a.test"]'}
    here = with_local_overrides(config, PAGE)
    assert json.loads(here["counter-service:allowedOrigins"]) == ["https://a.test", PAGE]
    assert {key for key in here if here[key] != config.get(key)} == {
        "counter-service:allowedOrigins"
    }


@pytest.mark.parametrize("wrong", ["https://a.test", '"text"', ""])
def test_local_overrides_leave_a_malformed_list_of_origins_for_the_program_to_report(
    wrong: str,
) -> None:
    config = stack_config("dev") | {"counter-service:allowedOrigins": wrong}
    assert with_local_overrides(config, PAGE) == config


def test_local_overrides_with_an_issuer_name_the_token_library_for_this_machine() -> None:
    config = stack_config("dev") | AUTH
    assert needs_token(config)
    here = with_local_overrides(config, PAGE)
    assert here["counter-service:authPackages"] == PACKAGES
    assert f".{here['emulator:platform']}.so" == sysconfig.get_config_var("EXT_SUFFIX")


def test_stack_without_an_issuer_needs_no_token() -> None:
    assert not needs_token(stack_config("dev"))
    assert not needs_token(stack_config("prod"))


def test_allowed_origins_are_those_of_the_deployed_configuration() -> None:
    assert allowed_origins(with_local_overrides(stack_config("dev"), PAGE)) == [PAGE]
