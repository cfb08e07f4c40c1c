"""Resources as Terraform configuration, which is what scanners read.

In HCL rather than in Terraform's JSON syntax: checkov reads that too, but names every resource
"resource.<name>" there, without its type, and no waiver could tell two of them apart.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

import pulumi

from . import naming, sdk
from .errors import AuditError

# Read by other resources to name this one, so references even where the value is known.
_NAMES: Final = ("arn", "bucket", "id", "name")
_DEPTH: Final = 3  # of computed values; some types contain themselves


class Resource(Protocol):
    @property
    def type(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def inputs(self) -> Mapping[str, Any]: ...


def configuration(resources: Iterable[Resource]) -> str:
    """A main.tf. Raises AuditError for a type or an argument that has no Terraform name."""
    return "\n".join(_resource(each) for each in resources)


def outputs(token: str, name: str, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """What other resources may read of one: its id and its properties, as references."""
    type_ = naming.resource_type(token)
    address = f"{type_}.{name}"
    references = _references(type_, address, sdk.properties(token), _DEPTH)
    names = {key: value for key, value in references.items() if key in _NAMES}
    return f"${{{address}.id}}", references | dict(inputs) | names


def _references(type_: str, address: str, types: sdk.Types, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, each in types.items():
        path = f"{address}.{naming.argument(type_, name)}"
        inner, items = sdk.block(each), sdk.repeated(each)
        if each is str:
            found[name] = f"${{{path}}}"
        elif depth and inner is not None:
            found[name] = _references(type_, path, inner, depth - 1)
        elif depth and items is not None:
            found[name] = [_references(type_, f"{path}[0]", items, depth - 1)]
    return found


def _resource(resource: Resource) -> str:
    type_ = naming.resource_type(resource.type)
    body = _body(type_, resource.inputs, sdk.properties(resource.type), "  ")
    return "\n".join([f'resource "{type_}" "{resource.name}" {{', *body, "}", ""])


def _body(type_: str, values: Mapping[str, Any], types: sdk.Types, indent: str) -> list[str]:
    lines: list[str] = []
    for name, value in sorted(values.items()):
        if value is None:
            continue
        if name not in types:
            raise AuditError(f"{type_} has no {name} in pulumi-aws, so it has no Terraform name.")
        inner, items = sdk.block(types[name]), sdk.repeated(types[name])
        if inner is not None:
            lines += _block(type_, naming.argument(type_, name), value, inner, indent)
        elif items is not None:
            for each in value:
                lines += _block(type_, naming.repeated_block(name), each, items, indent)
        else:
            lines.append(f"{indent}{naming.argument(type_, name)} = {_literal(value)}")
    return lines


def _block(
    type_: str, name: str, values: Mapping[str, Any], types: sdk.Types, indent: str
) -> list[str]:
    return [f"{indent}{name} {{", *_body(type_, values, types, f"{indent}  "), f"{indent}}}"]


def _literal(value: Any) -> str:
    if isinstance(value, pulumi.Asset | pulumi.Archive):
        return '"archive"'
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # numbers come from the engine's protocol, which has no integers
    policy = _policy(value)
    return f"jsonencode({json.dumps(policy)})" if policy else json.dumps(value)


def _policy(value: Any) -> Any:
    # As an expression, since a scanner would not look for statements inside a quoted string.
    if not isinstance(value, str) or '"Statement"' not in value:
        return None
    return json.loads(value)
