"""Inputs that disappear from a resource that stays, when a key is switched on or off.

A provider may ignore an input that is left out, because the input is optional and computed, or
because the service has another request for its removal. So this file states how each such input
is removed.
"""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from counter_service.paths import ROOT

from .changes import CHANGES, MAIL, graph
from .recorder import Graph

FUNCTION: Final = "aws:lambda/function:Function"
TABLE: Final = "aws:dynamodb/table:Table"
STAGE: Final = "aws:apigatewayv2/stage:Stage"
ALARM: Final = "aws:cloudwatch/metricAlarm:MetricAlarm"

UNITS: Final = {"tableMaxReadUnits": "900", "tableMaxWriteUnits": "900"}
SWITCHED_OFF: Final = {
    "alarmEmail while alarms are on": (MAIL | {"alarms": "true"}, {"alarms": "true"}),
    "only tableMaxReadUnits": (UNITS, {"tableMaxWriteUnits": "900"}),
    "only tableMaxWriteUnits": (UNITS, {"tableMaxReadUnits": "900"}),
}

# Read in github.com/hashicorp/terraform-provider-aws, internal/service/<file>.
PROVIDER_REMOVES: Final = {
    (FUNCTION, "environment.variables.*"): "function.go sends the whole map",
    (FUNCTION, "reservedConcurrentExecutions"): "function.go deletes the reservation",
    (ALARM, "alarmActions"): "metric_alarm.go sends the whole alarm",
    (ALARM, "okActions"): "metric_alarm.go sends the whole alarm",
}
# A command in docs/operations.md removes the rest.
COMMAND_REMOVES: Final = {
    (STAGE, "accessLogSettings"): "aws apigatewayv2 delete-access-log-settings",
    (TABLE, "onDemandThroughput"): "MaxReadRequestUnits=-1,MaxWriteRequestUnits=-1",
    (TABLE, "onDemandThroughput.maxReadRequestUnits"): "MaxReadRequestUnits=-1",
    (TABLE, "onDemandThroughput.maxWriteRequestUnits"): "MaxWriteRequestUnits=-1",
}


def missing(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """Paths of members that only the old inputs have."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name, value in old.items():
            here = f"{path}.{name}" if path else name
            if name in new:
                yield from missing(value, new[name], here)
            elif path == "environment.variables":
                yield f"{path}.*"
            else:
                yield here


def removed(old: Graph, new: Graph) -> set[tuple[str, str]]:
    """Type and input of what disappears from a resource that stays."""
    staying = {each.urn: each.inputs for each in new.resources}
    return {
        (each.type, path)
        for each in old.resources
        if each.urn in staying and not each.type.startswith("pulumi:")
        for path in missing(each.inputs, staying[each.urn])
    }


def all_removed() -> set[tuple[str, str]]:
    found = set()
    for before, after in [*CHANGES.values(), *SWITCHED_OFF.values()]:
        one, other = graph(before), graph(after)
        found |= removed(one, other) | removed(other, one)
    return found


@pytest.mark.no_cover  # which takes as long again, and the other tests run the same lines
def test_every_input_that_disappears_says_how_it_is_removed() -> None:
    assert all_removed() == PROVIDER_REMOVES.keys() | COMMAND_REMOVES.keys()


def test_operations_have_the_command_that_removes_what_the_provider_keeps() -> None:
    document = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [each for each in COMMAND_REMOVES.values() if each not in document] == []


def test_a_removed_input_is_found_at_any_depth() -> None:
    assert list(missing({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 1}})) == ["a.c", "d"]
