"""Runs the program and keeps what it registered, with Terraform references between resources.

A resource's outputs are references such as ${aws_iam_role.websocket-role.arn}, so that a scanner
sees which resource belongs to which. It sees nothing that AWS would make of it.
"""

from dataclasses import dataclass
from typing import Any

from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks

from counter_service.local.program import run_program, stack_config

from . import terraform
from .errors import AuditError

_PROVIDERS = "pulumi:providers:"


@dataclass(frozen=True, slots=True)
class Registered:
    type: str  # aws:dynamodb/table:Table
    name: str  # logical
    inputs: dict[str, Any]  # camelCase, as the provider gets them


def registered(stack: str) -> list[Registered]:
    """The AWS resources of a stack as its Pulumi.<stack>.yaml has it.

    Raises AuditError for what has no Terraform name, LocalError when there is no such stack, and
    pulumi.RunError for a wrong configuration.
    """
    mocks = _References()
    run_program(MockMonitor(mocks), stack, stack_config(stack))
    return mocks.resources


class _References(Mocks):
    def __init__(self) -> None:
        self.resources: list[Registered] = []

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AuditError(f"The audit cannot answer {args.token}: teach it in audit/graph.py.")

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if not args.custom or args.typ.startswith(_PROVIDERS):
            return args.name, args.inputs
        self.resources.append(Registered(args.typ, args.name, args.inputs))
        return terraform.outputs(args.typ, args.name, args.inputs)
