"""The security rules on the recorded graphs of dev, prod and a stack with every key on."""

import json
from dataclasses import replace
from typing import Any

import pulumi_aws as aws
import pytest

from counter_service.infra.settings import KEYS
from counter_service.program import stack_config

from .recorder import OPT_IN, Graph, Resource, dev, prod, record_without_packages
from .security_rules import REMOVED, RULES, Rule

OFF = {"false", "0", "", "[]"}
EVERYTHING = {
    **OPT_IN,
    **dict.fromkeys(("accountLoggingRole", "allowLocalhost", "allowMissingOrigin"), "true"),
    **dict.fromkeys(("clicksPerSecond", "postsPerSecond"), "20"),
    "allowedOrigins": '["https://www.example.com"]',
    "authIssuer": "https://login.example.com",
    "authAudience": "counter",
    "authJwksUrl": "https://login.example.com/keys",
}
# Each of these opens the function, the bucket or a permission in a way that no rule checks.
FORBIDDEN = (
    aws.iam.AccessKey,
    aws.iam.User,
    aws.lambda_.FunctionUrl,
    aws.s3.BucketAcl,
    aws.s3.BucketCorsConfiguration,
    aws.s3.BucketWebsiteConfiguration,
)

every_rule = pytest.mark.parametrize("rule", RULES, ids=[rule.sentence for rule in RULES])


@pytest.fixture(scope="module")
def stacks(_built_page: None) -> dict[str, Graph]:
    everything = record_without_packages("everything", **EVERYTHING)
    return {"dev": dev(), "prod": prod(), "everything": everything}


def reason(rule: Rule, stack: str, resource: Resource) -> str | None:
    """Why the resource may break the rule."""
    return rule.exceptions.get(f"{stack}:{resource.name}") or rule.exceptions.get(resource.name)


def bound(rule: Rule, stacks: dict[str, Graph]) -> list[tuple[Graph, Resource]]:
    """The resources that must fulfil the rule."""
    return [
        (graph, resource)
        for stack, graph in stacks.items()
        for resource in graph.of(rule.type)
        if not reason(rule, stack, resource)
    ]


def changed(value: Any, path: str, new: Any) -> Any:
    """A copy of inputs, a list or JSON text with one value changed."""
    if isinstance(value, str):
        return json.dumps(changed(json.loads(value), path, new))
    step, _, rest = path.partition(".")
    key: Any = int(step) if isinstance(value, list) else step
    copy = value.copy()
    if rest:
        copy[key] = changed(value[key], rest, new)
    elif new is REMOVED:
        del copy[key]
    else:
        copy[key] = new
    return copy


@every_rule
def test_every_resource_fulfils_the_security_rules(rule: Rule, stacks: dict[str, Graph]) -> None:
    assert [
        (graph.outputs["FunctionName"], resource.name)
        for graph, resource in bound(rule, stacks)
        if not rule.holds(graph, resource.inputs)
    ] == []


@every_rule
def test_every_security_rule_applies_to_a_resource(rule: Rule, stacks: dict[str, Graph]) -> None:
    assert bound(rule, stacks)


@pytest.mark.parametrize(
    ("rule", "path", "value"),
    [
        pytest.param(rule, path, value, id=f"{rule.sentence}-{path}")
        for rule in RULES
        for path, value in rule.planted
    ],
)
def test_a_security_rule_finds_a_planted_violation(
    rule: Rule, path: str, value: Any, stacks: dict[str, Graph]
) -> None:
    graph, resource = bound(rule, stacks)[0]
    planted = replace(resource, inputs=changed(resource.inputs, path, value))
    assert not rule.holds(graph, planted.inputs)


@every_rule
def test_every_exception_to_a_security_rule_is_needed(rule: Rule, stacks: dict[str, Graph]) -> None:
    for name, why in rule.exceptions.items():
        stack, _, logical_name = name.rpartition(":")
        assert why.endswith(".")
        for graph in [stacks[stack]] if stack else stacks.values():
            needed = not rule.holds(graph, graph.one(rule.type, logical_name).inputs)
            assert needed, f"{name} fulfils the rule without its exception: remove the exception"


@pytest.mark.parametrize("resource", FORBIDDEN, ids=lambda resource: resource.__name__)
def test_no_stack_has_a_forbidden_type(resource: Any, stacks: dict[str, Graph]) -> None:
    for graph in stacks.values():
        assert graph.of(resource.pulumi_type) == []


def test_a_forbidden_type_is_spelled_like_the_types_of_the_graph(stacks: dict[str, Graph]) -> None:
    assert stacks["dev"].of(aws.lambda_.Function.pulumi_type)  # type: ignore[attr-defined]


def test_the_stack_with_every_key_on_has_no_key_off() -> None:
    configured = stack_config("dev") | {f"counter-service:{k}": v for k, v in EVERYTHING.items()}
    assert [key for key in sorted(KEYS) if configured[f"counter-service:{key}"] in OFF] == []
