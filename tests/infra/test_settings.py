"""The keys of the configuration, and the errors that name a wrong one."""

import json

import pulumi
import pytest
import yaml

from counter_service.infra.settings import _RETENTION_DAYS, KEYS
from counter_service.paths import ROOT
from counter_service.program import run_program, stack_config

from .recorder import Recorder, record

URL = "an https URL such as https://login.example.com, or empty"
LETTERS = "letters, digits, hyphens and underscores"


def refusal(config: dict[str, str], stack: str = "dev") -> str:
    """The error of a configuration that is refused before anything is registered."""
    recorder = Recorder()
    with pytest.raises(pulumi.RunError) as raised:
        run_program(recorder, stack, config)
    assert recorder.graph.resources == []
    return str(raised.value)


RANGES = {
    "memoryMb": (128, 10_240),
    "timeoutSeconds": (20, 28),
    "throttleRate": (1, 10_000),
    "throttleBurst": (1, 5_000),
    "clicksPerSecond": (0, 1_000),
    "counterShards": (1, 16),
    "postsPerSecond": (0, 100_000),
    "reservedConcurrency": (0, 10_000),
    **dict.fromkeys(("tableMaxReadUnits", "tableMaxWriteUnits", "budgetUsd"), (0, 1_000_000)),
}


@pytest.mark.parametrize(
    ("key", "value", "requirement"),
    [
        *(
            ("memoryMb", text, "a whole number from 128 to 10240")
            for text in ("x", "2.5", "1e3", "")
        ),
        *(
            (key, str(value), f"a whole number from {low} to {high}")
            for key, (low, high) in RANGES.items()
            for value in (low - 1, high + 1)
        ),
        ("logRetentionDays", "8", f"one of {', '.join(map(str, _RETENTION_DAYS))}"),
        ("stageName", "", f"1 to 128 {LETTERS}"),
        ("stageName", "a/b", f"1 to 128 {LETTERS}"),
        ("website", "yes", "true or false"),
        ("allowedOrigins", "https://a.test", 'a list such as ["https://www.example.com"]'),
        ("authIssuer", "http://a.test", URL),
        ("authIssuer", "https://a.test?tenant=b", URL),
        ("authJwksUrl", "https:///keys", URL),
        ("authAudience", "me you", "a word without spaces, or empty"),
        ("authPackages", "", "a folder"),
        ("alarmEmail", "team", "an e-mail address, or empty"),
        ("domainName", "ws", "a domain name such as ws.example.com, or empty"),
        ("hostedZoneId", "zone", "the id of a Route 53 zone such as Z0123AB, or empty"),
    ],
)
def test_a_wrong_value_is_refused_with_its_requirement(
    key: str, value: str, requirement: str
) -> None:
    config = stack_config("dev") | {f"counter-service:{key}": value}
    assert refusal(config) == f"Configuration: {key} is {value!r}, but must be {requirement}."


@pytest.mark.parametrize(
    "entry",
    [
        *("a.test", "https://a.test/x", "https://*.a.test", "https://a.test:x"),
        *("https://u@a.test", "ftp://a.test", 7),
    ],
)
def test_an_entry_that_is_no_origin_is_refused(entry: object) -> None:
    config = stack_config("dev") | {"counter-service:allowedOrigins": json.dumps([entry])}
    assert refusal(config) == (
        f"Configuration: allowedOrigins contains {entry!r}, but each entry must be an origin such "
        "as https://www.example.com."
    )


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        (
            "authIssuer",
            "https://a.test",
            "authIssuer and authAudience must be set together. Set both, or neither.",
        ),
        (
            "authAudience",
            "me",
            "authIssuer and authAudience must be set together. Set both, or neither.",
        ),
        (
            "authJwksUrl",
            "https://a.test/k",
            "authJwksUrl requires authIssuer. Set authIssuer, or remove authJwksUrl.",
        ),
        (
            "domainName",
            "ws.example.com",
            "domainName and hostedZoneId must be set together. Set both, or neither.",
        ),
        (
            "hostedZoneId",
            "Z0123AB",
            "domainName and hostedZoneId must be set together. Set both, or neither.",
        ),
        ("budgetUsd", "5", "budgetUsd requires alarmEmail. Set alarmEmail, or set budgetUsd to 0."),
    ],
)
def test_a_key_without_the_key_that_it_needs_is_refused(
    key: str, value: str, sentence: str
) -> None:
    config = stack_config("dev") | {f"counter-service:{key}": value}
    assert refusal(config) == f"Configuration: {sentence}"


@pytest.mark.parametrize("key", ["throtleRate", "snapStart"])
def test_an_unknown_key_is_refused(key: str) -> None:
    assert refusal(stack_config("dev") | {f"counter-service:{key}": "5"}) == (
        f"Configuration: {key} is unknown. Remove it, or use a key that Pulumi.yaml declares."
    )


def test_a_key_without_a_value_is_refused() -> None:
    config = stack_config("dev")
    del config["counter-service:memoryMb"]
    assert refusal(config) == (
        "Configuration: memoryMb has no value. Pulumi.yaml declares its default, so update the "
        "Pulumi CLI."
    )


@pytest.mark.parametrize("region", ["", "Frankfurt", "eu central 1"])
def test_a_wrong_region_is_refused(region: str) -> None:
    assert refusal(stack_config("dev") | {"aws:region": region}) == (
        f"Configuration: aws:region is {region!r}, but must be a region such as eu-central-1."
    )


@pytest.mark.parametrize(
    "region",
    [
        *("cn-north-1", "cn-northwest-1", "us-gov-east-1", "us-gov-west-1"),
        *("us-iso-east-1", "us-isob-east-1", "us-isof-south-1", "eu-isoe-west-1"),
        "eusc-de-east-1",
    ],
)
def test_a_region_of_another_partition_is_refused(region: str) -> None:
    assert refusal(stack_config("dev") | {"aws:region": region}) == (
        f"Configuration: aws:region is {region!r}, which belongs to another partition of AWS. Use "
        "a commercial region such as eu-central-1."
    )


@pytest.mark.parametrize("region", ["us-east-1", "ap-southeast-7", "il-central-1", "mx-central-1"])
def test_a_commercial_region_is_deployed_to(region: str) -> None:
    graph = record(region=region)
    assert graph.one("pulumi:providers:aws").inputs["region"] == region


@pytest.mark.parametrize("stack", ["feature/login", "x" * 33])
def test_a_stack_name_that_cannot_be_part_of_a_name_in_aws_is_refused(stack: str) -> None:
    assert refusal(stack_config("dev"), stack) == (
        f"Configuration: the stack's name is {stack!r}, but must be 1 to 32 {LETTERS}."
    )


TYPES = {"string": str, "integer": int, "boolean": bool, "array": list}


def test_pulumi_yaml_declares_every_key_with_type_default_and_description() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    assert declared.keys() == KEYS
    for key, declaration in declared.items():
        described = declaration.keys() - {"items"} == {"type", "default", "description"}
        assert described, f"{key} needs a type, a default and a description, and nothing else"
        has_type = type(declaration["default"]) is TYPES[declaration["type"]]
        assert has_type, f"the default of {key} is not of the type {declaration['type']}"


def test_stack_files_use_declared_keys_only() -> None:
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"))["config"]
    prefix = "counter-service:"
    for path in ROOT.glob("Pulumi.*.yaml"):
        used = yaml.safe_load(path.read_text(encoding="utf-8"))["config"]
        own = {key.removeprefix(prefix) for key in used if key.startswith(prefix)}
        undeclared = own - declared.keys()
        assert not undeclared, f"Pulumi.yaml does not declare these keys of {path.name}"
