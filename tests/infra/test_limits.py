"""What the stack may cost at most: concurrency and throughput."""

import pytest

from .recorder import dev, record

TABLE = "aws:dynamodb/table:Table"
FUNCTION = "aws:lambda/function:Function"


def test_without_limits_none_is_named() -> None:
    """Zero would mean that nothing runs and nothing is read."""
    assert "reservedConcurrentExecutions" not in dev().one(FUNCTION).inputs
    assert [table for table in dev().of(TABLE) if "onDemandThroughput" in table.inputs] == []


def test_reserved_concurrency() -> None:
    function = record(reservedConcurrency="20").one(FUNCTION)
    assert function.inputs["reservedConcurrentExecutions"] == 20


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"tableMaxReadUnits": "200"}, {"maxReadRequestUnits": 200}),
        ({"tableMaxWriteUnits": "50"}, {"maxWriteRequestUnits": 50}),
        (
            {"tableMaxReadUnits": "200", "tableMaxWriteUnits": "50"},
            {"maxReadRequestUnits": 200, "maxWriteRequestUnits": 50},
        ),
    ],
)
def test_each_table_has_its_limits(config: dict[str, str], expected: dict[str, int]) -> None:
    tables = record(**config).of(TABLE)
    assert [table.inputs["onDemandThroughput"] for table in tables] == [expected, expected]
