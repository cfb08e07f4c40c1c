"""The two tables: their schema, their limits, and which of them outlive a destroy."""

import pytest

from counter_service.runtime import contract

from .recorder import dev, record

TABLE = "aws:dynamodb/table:Table"
COUNTER = "aes_counter_state"
CONNECTIONS = "aes_websocket_connections"

# Protection by Pulumi, retention, protection by DynamoDB, backups. Both settings of DynamoDB are
# explicit, because the provider keeps the previous value of an input that is left out.
KEPT = (True, True, True, {"enabled": True})
NOT_KEPT = (False, False, False, {"enabled": False})
NEVER_KEPT = (False, False, None, None)


@pytest.mark.parametrize(
    ("name", "key"),
    [(CONNECTIONS, contract.CONNECTION_KEY), (COUNTER, contract.COUNTER_KEY)],
)
def test_a_table_has_its_key_and_expires_rows_with_the_attribute(name: str, key: str) -> None:
    # The counter's own rows do not have it (tests/contracts/test_counter_store.py).
    table = dev().one(TABLE, name).inputs
    assert table["hashKey"] == key
    assert table["attributes"] == [{"name": key, "type": "S"}]
    assert table["ttl"] == {"attributeName": contract.EXPIRES_AT, "enabled": True}


def test_tables_are_paid_per_request() -> None:
    assert [t.inputs["billingMode"] for t in dev().of(TABLE)] == ["PAY_PER_REQUEST"] * 2


@pytest.mark.parametrize("name", [COUNTER, CONNECTIONS])
def test_a_table_has_the_free_encryption(name: str) -> None:
    """A block of encryption settings would choose a KMS key, which costs money for each request."""
    assert "serverSideEncryption" not in record(keepData="true").one(TABLE, name).inputs


@pytest.mark.parametrize(
    ("config", "limits"),
    [
        ({}, None),  # 0 would mean that nothing is read
        ({"tableMaxReadUnits": "200"}, {"maxReadRequestUnits": 200}),
        ({"tableMaxWriteUnits": "50"}, {"maxWriteRequestUnits": 50}),
        (
            {"tableMaxReadUnits": "200", "tableMaxWriteUnits": "50"},
            {"maxReadRequestUnits": 200, "maxWriteRequestUnits": 50},
        ),
    ],
)
def test_both_tables_have_the_configured_limits(
    config: dict[str, str], limits: dict[str, int] | None
) -> None:
    tables = record(**config).of(TABLE)
    assert [table.inputs.get("onDemandThroughput") for table in tables] == [limits, limits]


@pytest.mark.parametrize(
    ("keep_data", "name", "expected"),
    [
        ("true", COUNTER, KEPT),
        ("false", COUNTER, NOT_KEPT),
        ("true", CONNECTIONS, NEVER_KEPT),
        ("false", CONNECTIONS, NEVER_KEPT),
    ],
)
def test_keep_data_keeps_the_counter_table_only(
    keep_data: str, name: str, expected: tuple[object, ...]
) -> None:
    table = record(keepData=keep_data).one(TABLE, name)
    protection = table.inputs.get("deletionProtectionEnabled")
    backups = table.inputs.get("pointInTimeRecovery")
    assert (table.protect, table.retain_on_delete, protection, backups) == expected


def test_keep_data_protects_nothing_else() -> None:
    protected = [each.name for each in record(keepData="true").resources if each.protect]
    assert protected == [COUNTER]
