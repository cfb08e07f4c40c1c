"""The local run reads a stack's file as Pulumi's engine does."""

from pathlib import Path

import pulumi
import pytest

from counter_service.local.overrides import naming_places
from counter_service.paths import ROOT
from counter_service.program import run_program
from counter_service.stack_files import config as stack_files
from tests.infra.recorder import Graph, Recorder

from .stack_files import CASES, HEAD, NAME, STACK, Case, write

# The program until it registers its first resource.
READ_EVERYTHING = """
import pulumi
from counter_service.infra.emulator import EmulatorOverrides
from counter_service.infra.provider import AwsConnection
from counter_service.infra.settings import Settings

aws = pulumi.Config("aws")
Settings.from_config(stack=pulumi.get_stack(), config=pulumi.Config(), aws=aws)
AwsConnection.from_config(aws)
EmulatorOverrides.from_config()
"""


def qualified(values: dict[str, str]) -> dict[str, str]:
    return {stack_files.qualified(key, "counter-service"): text for key, text in values.items()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_local_run_accepts_and_refuses_what_the_engine_does(case: Case, tmp_path: Path) -> None:
    write(case.content, tmp_path)
    if case.refused_by == "engine":
        with pytest.raises(pulumi.RunError) as raised:
            stack_files.read(STACK, tmp_path)
        assert str(raised.value) == case.error
        return
    config = stack_files.read(STACK, tmp_path)
    expected = qualified(case.values)
    assert {key: config.values[key] for key in expected} == expected
    set_here = {key for key, place in config.places.items() if place.startswith(NAME)}
    assert set_here - {"aws:region"} == expected.keys()
    (tmp_path / "__main__.py").write_text(READ_EVERYTHING, encoding="utf-8")
    sentence = ""
    try:
        with naming_places(config.places):
            run_program(Recorder(), STACK, config.values, tmp_path)
    except pulumi.RunError as error:
        sentence = str(error)
    assert sentence == case.error


@pytest.mark.parametrize(
    ("project", "error"),
    [
        ("name: a\nname: b\n", "line 2: name is already set in line 1. Remove one."),
        ("name: a\nconfig: [", "line 2: It is not valid YAML: did not find expected node content."),
        (
            "config: {}\n",
            "line 1: The project has no name. Write one, such as name: counter-service.",
        ),
        ("name: a\nconfig: [a]\n", "line 2: config is not a mapping of keys and values."),
        (
            "name: a\nconfig:\n  rate:\n    type: integer\n    default: x\n",
            "line 3: rate is 'x', but must be of type integer.",
        ),
    ],
)
def test_local_run_names_the_line_of_a_mistake_in_the_projects_file(
    project: str, error: str, tmp_path: Path
) -> None:
    (tmp_path / "Pulumi.yaml").write_text(project, encoding="utf-8")
    (tmp_path / NAME).write_text("config:\n", encoding="utf-8")
    with pytest.raises(pulumi.RunError) as raised:
        stack_files.read(STACK, tmp_path)
    assert str(raised.value) == f"Pulumi.yaml, {error}"


def test_local_run_names_the_stacks_that_exist_instead_of_a_missing_one(tmp_path: Path) -> None:
    write(b"", tmp_path)
    (tmp_path / "Pulumi.a.b.yaml").touch()
    with pytest.raises(pulumi.RunError) as raised:
        stack_files.read("dev", tmp_path)
    assert str(raised.value) == f"There is no stack 'dev'. Use one of a.b, {STACK}."


def test_local_run_names_a_stack_file_that_it_cannot_read(tmp_path: Path) -> None:
    write(b"", tmp_path)
    (tmp_path / NAME).unlink()
    (tmp_path / NAME).mkdir()
    with pytest.raises(pulumi.RunError) as raised:
        stack_files.read(STACK, tmp_path)
    assert str(raised.value) == f"{NAME} cannot be read: Is a directory."


def test_local_run_refuses_a_key_that_is_set_with_and_without_its_namespace(
    tmp_path: Path,
) -> None:
    """The engine would use one of the two values at random."""
    write(f"{HEAD}  alarms: true\n  counter-service:alarms: false\n".encode(), tmp_path)
    with pytest.raises(pulumi.RunError) as raised:
        stack_files.read(STACK, tmp_path)
    assert str(raised.value) == (
        f"{NAME}, line 4: counter-service:alarms is already set in line 3. Remove one."
    )


def test_local_run_accepts_encrypted_credentials_of_aws(tmp_path: Path) -> None:
    write(f"{HEAD}  aws:token:\n    secure: v1:abc\n".encode(), tmp_path)
    assert stack_files.read(STACK, tmp_path).values["aws:token"] == "v1:abc"


def test_local_run_names_no_line_for_a_key_of_the_command_line(tmp_path: Path) -> None:
    write(f"{HEAD}  throttleRate: 7\n".encode(), tmp_path)
    config = stack_files.read(STACK, tmp_path)
    changed = {"counter-service:throttleRate": "0"}
    with (
        pytest.raises(pulumi.RunError, match=r"^Configuration: throttleRate is '0'"),
        naming_places(config.places, overridden=changed),
    ):
        run_program(Recorder(), STACK, config.values | changed)


def recorded(**values: str) -> Graph:
    """The graph of a stack with a domain, on an emulator without custom domains."""
    recorder = Recorder()
    values = {"hostedZoneId": "Z0123AB", "website": "false", **values}
    config = stack_files.read("dev", ROOT).values | qualified(values)
    run_program(recorder, "dev", config | {"emulator:customDomain": "false"})
    return recorder.graph


def test_emulator_without_custom_domains_gets_none() -> None:
    graph = recorded(domainName="ws.example.com")
    assert graph.of("aws:apigatewayv2/domainName:DomainName") == []


def test_domain_name_is_checked_for_an_emulator_without_custom_domains() -> None:
    with pytest.raises(pulumi.RunError, match=r"domainName is 'ws'"):
        recorded(domainName="ws")
