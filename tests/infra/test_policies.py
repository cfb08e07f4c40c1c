"""The role against the code: every AWS call of the runtime is allowed, and nothing else is."""

import ast
import asyncio
import inspect
import json
import re
from typing import Any, Final

import pytest

from counter_service.infra import bundle
from counter_service.infra.policies import PolicyDocument, function_policy
from counter_service.paths import ROOT
from counter_service.runtime import self_invoker
from counter_service.runtime.dynamodb import connection_store, counter_store, lease
from counter_service.runtime.fanout.signing import Credentials, SignedRequestTemplate, Target

from .recorder import dev

CALLERS: Final = {
    "Connections": [(connection_store, "DynamoConnectionStore")],
    "Counter": [(counter_store, "DynamoCounterStore"), (lease, "DynamoBroadcastLease")],
}

# The actions of each method of a boto3 client.
ACTIONS: Final = {
    "batch_get_item": {"dynamodb:BatchGetItem"},
    "delete_item": {"dynamodb:DeleteItem"},
    "get_item": {"dynamodb:GetItem"},
    "put_item": {"dynamodb:PutItem"},
    "scan": {"dynamodb:Scan"},
    # Needs the permissions of its parts, here a Put and an Update:
    # docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
    "transact_write_items": {"dynamodb:PutItem", "dynamodb:UpdateItem"},
    "update_item": {"dynamodb:UpdateItem"},
}
CLIENTS: Final = {"_client", "_no_retry_client"}

# Methods that the service calls only if there is a limit of messages.
WITH_LIMIT_ONLY: Final = {"count_message"}


def statements(limits_clicks: bool) -> dict[str, list[str]]:
    async def policy_with_outputs() -> PolicyDocument:  # Pulumi creates outputs in an event loop
        return function_policy(
            connections_table_arn="a",
            counter_table_arn="b",
            connections_api_arns=["c"],
            log_group_arn="d",
            limits_clicks=limits_clicks,
        )

    policy = asyncio.run(policy_with_outputs())
    return {statement["Sid"]: statement["Action"] for statement in policy["Statement"]}


def operations(source: str, class_name: str, without: set[str]) -> set[str]:
    """The client methods behind a class's public methods, through its private ones."""
    [definition] = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef) and node.name == class_name
    ]
    methods = {node.name: node for node in definition.body if isinstance(node, ast.FunctionDef)}
    found: set[str] = set()
    waiting = [name for name in methods if not name.startswith("_") and name not in without]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        for node in ast.walk(methods[name]):
            match node:
                case ast.Call(
                    func=ast.Attribute(
                        value=ast.Attribute(value=ast.Name(id="self"), attr=client),
                        attr=operation,
                    )
                ) if client in CLIENTS:
                    found.add(_paginated(node) if operation == "get_paginator" else operation)
                # A private method that is called, or handed to a thread.
                case ast.Attribute(value=ast.Name(id="self"), attr=own) if own in methods:
                    waiting.append(own)
    return found


def _paginated(call: ast.Call) -> str:
    [name] = call.args
    assert isinstance(name, ast.Constant)
    return str(name.value)


@pytest.mark.parametrize("limits_clicks", [False, True])
@pytest.mark.parametrize("sid", CALLERS)
def test_the_role_allows_exactly_what_the_runtime_calls(sid: str, limits_clicks: bool) -> None:
    called: set[str] = set()
    for module, class_name in CALLERS[sid]:
        source = inspect.getsource(module)
        called |= operations(source, class_name, set() if limits_clicks else WITH_LIMIT_ONLY)
    assert called
    needed = set().union(*(ACTIONS[operation] for operation in called))
    assert statements(limits_clicks)[sid] == sorted(needed)


@pytest.mark.parametrize("limits_clicks", [False, True])
def test_the_role_allows_nothing_else_but_posts_and_logs(limits_clicks: bool) -> None:
    assert statements(limits_clicks).keys() - CALLERS.keys() == {"ManageConnections", "Logs"}


def test_the_role_allows_the_posts_that_the_runtime_signs() -> None:
    """The outbox sends HTTP requests itself, so there is no client method to read."""
    assert statements(False)["ManageConnections"] == ["execute-api:ManageConnections"]
    target = Target("eu-central-1", "api.test", "/prod")
    request = SignedRequestTemplate(
        target, Credentials("key", "secret", None), b"", 0, "POST"
    ).request("id")
    assert request.startswith(b"POST /prod/@connections/id ")
    resource = dev().one("aws:iam/rolePolicy:RolePolicy", "websocket-policy").inputs["policy"]
    assert "/prod/POST/@connections/*" in resource
    template = SignedRequestTemplate(
        target, Credentials("key", "secret", None), b"", 0, method="DELETE"
    )
    assert template.request("id").startswith(b"DELETE /prod/@connections/id ")
    assert "/prod/DELETE/@connections/*" in resource


def test_the_role_allows_the_one_call_of_a_hand_over() -> None:
    calls = set(re.findall(r"client\.(\w+)\(", inspect.getsource(self_invoker)))
    assert calls == {"invoke"}
    policy = dev().one("aws:iam/rolePolicy:RolePolicy", "websocket-hand-over-policy").inputs
    [statement] = json.loads(policy["policy"])["Statement"]
    assert statement["Action"] == ["lambda:InvokeFunction"]
    assert statement["Resource"].endswith(":function:websocket-dev")


def test_every_client_of_the_runtime_is_in_the_table() -> None:
    folder = ROOT / bundle.RUNTIME
    handing = {"boto3", "botocore", "client", "dynamodb.client"}
    found = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[Any] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            if any({str(name), str(name).split(".")[0]} & handing for name in names):
                found.add(path.stem)
    stores = {"connection_store", "counter_store", "lease"}
    # client.py configures clients, and the others only make them.
    assert found == stores | {"self_invoker", "client", "aws", "handler"}


SAMPLE = """
class Store:
    def read(self):
        return self._client.get_item()
    def page(self):
        return self._client.get_paginator("scan").paginate()
    def change(self):
        self._write()
    def _write(self):
        self._no_retry_client.update_item()
    def _unused(self):
        self._client.delete_item()
"""


@pytest.mark.parametrize(
    ("without", "found"),
    [(set(), {"get_item", "scan", "update_item"}), ({"change"}, {"get_item", "scan"})],
)
def test_the_called_methods_are_found_in_the_code_of_the_service(
    without: set[str], found: set[str]
) -> None:
    assert operations(SAMPLE, "Store", without) == found
