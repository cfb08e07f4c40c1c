"""The environment of an AWS without an account, and the two tables as the program declares them."""

import os
from typing import Any, Final

import pytest

from counter_service.runtime import contract

REGION: Final = "eu-central-1"


def isolate(patch: pytest.MonkeyPatch) -> None:
    """Replace the AWS settings of the shell by credentials of no account."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    patch.setenv("AWS_ACCESS_KEY_ID", "test")
    patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    patch.setenv("AWS_DEFAULT_REGION", REGION)
    patch.setenv("AWS_CONFIG_FILE", os.devnull)
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    patch.setenv("NO_PROXY", "127.0.0.1")


def create_counter_table(client: Any, name: str) -> None:
    _create(client, name, contract.COUNTER_KEY)


def create_connections_table(client: Any, name: str) -> None:
    _create(client, name, contract.CONNECTION_KEY)


def _create(client: Any, name: str, key: str) -> None:
    client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
        KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
