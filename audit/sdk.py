"""What pulumi-aws says about the shape of a resource's properties."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args, get_origin

import pulumi
import pulumi_aws
from pulumi import _types

from .errors import AuditError

Types = Mapping[str, Any]  # camelCase property → its Python type


def properties(token: str) -> Types:
    """Of a resource type, inputs and outputs alike. Raises AuditError when the SDK has no such."""
    _, module, name = token.split(":")
    service = module.split("/")[0]
    try:
        package = getattr(pulumi_aws, "lambda_" if service == "lambda" else service)
        resource: type[pulumi.Resource] = getattr(package, name)
    except AttributeError as problem:
        raise AuditError(f"pulumi-aws has no {token}: {problem}.") from problem
    return _types.resource_types(resource)


def block(type_: Any) -> Types | None:
    """The properties of an object with known ones, such as a table's ttl."""
    return _types.output_type_types(type_) if _is_block(type_) else None


def repeated(type_: Any) -> Types | None:
    """The properties of the objects in a list, such as a table's attributes."""
    if get_origin(type_) is Sequence:
        (inner,) = get_args(type_)
        return block(inner)
    return None


def _is_block(type_: Any) -> bool:
    return isinstance(type_, type) and _types.is_output_type(type_)
