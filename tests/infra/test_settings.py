"""A wrong configuration is one sentence, before anything is registered."""

import pulumi
import pytest
import yaml

from counter_service.infra.settings import KEYS
from counter_service.paths import ROOT
from counter_service.program import run_program, stack_config

from .recorder import Recorder


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("throttleRate", "0", "throttleRate '0' is not a whole number from 1 to 10000."),
        ("throttleRate", "-5", "throttleRate '-5' is not a whole number from 1 to 10000."),
        ("throttleRate", "fast", "throttleRate 'fast' is not a whole number from 1 to 10000."),
        ("throttleBurst", "0", "throttleBurst '0' is not a whole number from 1 to 5000."),
        ("throttleBurst", "2.5", "throttleBurst '2.5' is not a whole number from 1 to 5000."),
        ("memoryMb", "64", "memoryMb '64' is not a whole number from 128 to 10240."),
        ("timeoutSeconds", "29", "timeoutSeconds '29' is not a whole number from 20 to 28."),
        ("logRetentionDays", "8", "logRetentionDays 8 is not one of 1, 3, 5, 7, 14, 30,"),
        ("stageName", "", "stageName '' is not 1 to 128 letters, digits, hyphens"),
        ("stageName", "a/b", "stageName 'a/b' is not 1 to 128 letters, digits, hyphens"),
        ("website", "yes", "website 'yes' is not true or false."),
        ("allowedOrigins", "https://a.test", "allowedOrigins 'https://a.test' is not a list, such"),
        ("allowedOrigins", '["a.test"]', "allowedOrigins entry 'a.test' is not an origin, such as"),
        (
            "allowedOrigins",
            '["https://a.test/x"]',
            "allowedOrigins entry 'https://a.test/x' is not",
        ),
        (
            "allowedOrigins",
            '["https://*.a.test"]',
            "allowedOrigins entry 'https://*.a.test' is not",
        ),
        (
            "allowedOrigins",
            '["https://a.test:x"]',
            "allowedOrigins entry 'https://a.test:x' is not",
        ),
        (
            "allowedOrigins",
            '["https://u@a.test"]',
            "allowedOrigins entry 'https://u@a.test' is not",
        ),
        (
            "allowedOrigins",
            '["ftp://a.test"]',
            "allowedOrigins entry 'ftp://a.test' is not an origin",
        ),
        ("allowedOrigins", "[7]", "allowedOrigins entry 7 is not an origin"),
        ("authIssuer", "http://a.test", "authIssuer 'http://a.test' is not an https URL"),
        ("authIssuer", "https://a.test", "authIssuer without authAudience is not enough"),
        ("authAudience", "me", "authIssuer without authAudience is not enough"),
        ("authAudience", "me you", "authAudience 'me you' is not a word without spaces."),
        ("authJwksUrl", "https://a.test/k", "authJwksUrl without authIssuer is not enough"),
        ("clicksPerSecond", "-1", "clicksPerSecond '-1' is not a whole number from 0 to 1000."),
        ("counterShards", "0", "counterShards '0' is not a whole number from 1 to 16."),
        ("counterShards", "17", "counterShards '17' is not a whole number from 1 to 16."),
        ("reservedConcurrency", "x", "reservedConcurrency 'x' is not a whole number from 0"),
        ("tableMaxReadUnits", "-1", "tableMaxReadUnits '-1' is not a whole number from 0"),
        ("tableMaxWriteUnits", "1e3", "tableMaxWriteUnits '1e3' is not a whole number from 0"),
        ("budgetUsd", "-5", "budgetUsd '-5' is not a whole number from 0"),
        ("budgetUsd", "5", "budgetUsd without alarmEmail is not enough"),
        ("alarmEmail", "nobody", "alarmEmail 'nobody' is not an e-mail address."),
        ("domainName", "ws", "domainName 'ws' is not such as ws.example.com."),
        ("domainName", "ws.example.com", "domainName without hostedZoneId is not enough"),
        ("hostedZoneId", "zone", "hostedZoneId 'zone' is not such as Z0123AB."),
        ("throtleRate", "5", "throtleRate is not a key that Pulumi.yaml declares."),
    ],
)
def test_wrong_value(key: str, value: str, sentence: str) -> None:
    recorder = Recorder()
    config = stack_config("dev") | {f"counter-service:{key}": value}
    with pytest.raises(pulumi.RunError) as raised:
        run_program(recorder, "dev", config)
    assert str(raised.value).startswith(f"Configuration: {sentence}")
    assert recorder.graph.resources == []


@pytest.mark.parametrize("region", ["", "Frankfurt", "eu central 1"])
def test_wrong_region(region: str) -> None:
    recorder = Recorder()
    with pytest.raises(pulumi.RunError, match=r"aws:region .* is not a region such as"):
        run_program(recorder, "dev", stack_config("dev") | {"aws:region": region})
    assert recorder.graph.resources == []


@pytest.mark.parametrize("stack", ["feature/login", "x" * 33])
def test_stack_name_that_cannot_be_part_of_a_name_in_aws(stack: str) -> None:
    recorder = Recorder()
    with pytest.raises(pulumi.RunError, match=r"stack name .* is not at most 32 letters"):
        run_program(recorder, stack, stack_config("dev"))
    assert recorder.graph.resources == []


def test_a_key_without_a_value_is_named() -> None:
    config = stack_config("dev")
    del config["counter-service:memoryMb"]
    with pytest.raises(pulumi.RunError, match="memoryMb is not set"):
        run_program(Recorder(), "dev", config)


TYPES = {"string": str, "integer": int, "boolean": bool, "array": list}


def test_every_key_is_declared_with_type_default_and_description() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    assert declared.keys() == KEYS
    for key, declaration in declared.items():
        assert declaration.keys() - {"items"} == {"type", "default", "description"}, key
        assert type(declaration["default"]) is TYPES[declaration["type"]], key


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_stacks_that_come_along_are_right(stack: str) -> None:
    recorder = Recorder()
    run_program(recorder, stack, stack_config(stack))
    assert recorder.graph.resources


def test_every_key_of_the_stack_files_is_declared() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    prefix = "counter-service:"
    for path in ROOT.glob("Pulumi.*.yaml"):
        used = yaml.safe_load(path.read_text())["config"]
        own = {key.removeprefix(prefix) for key in used if key.startswith(prefix)}
        assert own <= declared.keys(), path.name
