"""The creator of each type of resource."""

from collections.abc import Mapping
from typing import Final

from . import apigateway, dynamodb, iam, lambda_function, logs, observability, site
from .creator import Creator

# By Pulumi's type token.
CREATORS: Final[Mapping[str, Creator]] = {
    **apigateway.CREATORS,
    **dynamodb.CREATORS,
    **iam.CREATORS,
    **lambda_function.CREATORS,
    **logs.CREATORS,
    **observability.CREATORS,
    **site.CREATORS,
}
