"""The local run reads a stack's file as Pulumi's engine does."""

from pathlib import Path

import pulumi
import pytest

from counter_service.local.overrides import naming_places
from counter_service.program import run_program
from counter_service.stack_files import config as stack_files
from tests.infra.recorder import Recorder

from .stack_files import CASES, NAME, STACK, Case, write


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
    if case.refused_by == "program":
        with pytest.raises(pulumi.RunError) as raised, naming_places(config.places):
            run_program(Recorder(), STACK, {**config.values, "counter-service:website": "false"})
        assert str(raised.value) == case.error
