"""What keeps the counter when somebody destroys the stack."""

import pytest

from .recorder import Resource, dev, record

TABLE = "aws:dynamodb/table:Table"
COUNTER = "aes_counter_state"
CONNECTIONS = "aes_websocket_connections"


def kept(table: Resource) -> tuple[object, ...]:
    return (
        table.protect,
        table.retain_on_delete,
        table.inputs.get("deletionProtectionEnabled"),
        table.inputs.get("pointInTimeRecovery"),
    )


OFF = (False, False, False, {"enabled": False})  # said, or the provider leaves it as it was
NOTHING = (False, False, None, None)


def test_the_counter_is_kept() -> None:
    table = record(keepData="true").one(TABLE, COUNTER)
    assert kept(table) == (True, True, True, {"enabled": True})


def test_connections_are_not_worth_keeping() -> None:
    assert kept(record(keepData="true").one(TABLE, CONNECTIONS)) == NOTHING


@pytest.mark.parametrize(("table", "expected"), [(COUNTER, OFF), (CONNECTIONS, NOTHING)])
def test_a_stack_of_a_day_leaves_nothing(table: str, expected: tuple[object, ...]) -> None:
    assert kept(dev().one(TABLE, table)) == expected


@pytest.mark.parametrize("table", [COUNTER, CONNECTIONS])
def test_encryption_is_the_free_one(table: str) -> None:
    """The block would choose a KMS key, which costs by the request."""
    assert "serverSideEncryption" not in record(keepData="true").one(TABLE, table).inputs


def test_nothing_else_is_protected() -> None:
    protected = [each.name for each in record(keepData="true").resources if each.protect]
    assert protected == [COUNTER]
