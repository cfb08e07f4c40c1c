"""The graph as scanners get it."""

import pytest
from pulumi.runtime.mocks import MockCallArgs

from audit import graph, terraform
from audit.errors import AuditError
from tests.infra.recorder import dev


def test_it_is_every_resource_of_the_graph() -> None:
    resources = {(each.type, each.name) for each in graph.registered("dev")}
    assert resources == {(r.type, r.name) for r in dev().resources if r.type.startswith("aws:")}


@pytest.mark.parametrize("stack", ["dev", "prod", "local"])
def test_every_stack_has_a_configuration(stack: str) -> None:
    resources = graph.registered(stack)
    text = terraform.configuration(resources)
    assert text.count('resource "') == len(resources)
    assert f'"aes_counter_state-{stack}"' in text


def test_resources_refer_to_each_other() -> None:
    text = terraform.configuration(graph.registered("dev"))
    assert 'role = "${aws_iam_role.websocket-role.name}"' in text
    assert '"Resource": "${aws_dynamodb_table.aes_counter_state.arn}"' in text
    assert "None" not in text


def test_a_call_that_it_cannot_answer_is_named() -> None:
    with pytest.raises(AuditError, match=r"aws:index/getRegion:getRegion.*audit/graph\.py"):
        graph._References().call(MockCallArgs("aws:index/getRegion:getRegion", {}, ""))
