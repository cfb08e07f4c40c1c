"""The arithmetic of the bill, on figures that can be checked by hand."""

from typing import Any

import pytest

from bench import cost, prices
from bench.cost import Usage, bill
from bench.report import ROOT

LOAD: dict[str, Any] = {
    "clicks_per_second": 10,
    "clients": 600,
    "ours": {
        "clicks": 100,
        "messages": 30_000,
        "broadcasts": 50,
        "invocation_seconds": 20.0,
        "lease_writes": 150,
    },
    "naive": {"clicks": 100},
}


def test_a_bill_is_the_sum_of_its_items() -> None:
    usage = Usage(messages=11, connection_minutes=4, gb_seconds=0.1, write_units=2, read_units=8)
    found = bill(usage)
    assert found.messages == pytest.approx(11.00)
    assert found.connections == pytest.approx(1.00)
    assert found.function == pytest.approx(0.20 + 1.33334)
    assert found.writes == pytest.approx(1.25)
    assert found.reads == pytest.approx(1.00)
    assert found.logs == pytest.approx(0.60)
    assert found.total == pytest.approx(16.38334)


def test_ours_pays_for_what_was_counted() -> None:
    usage = cost.ours(LOAD)
    assert usage.messages == 1 + 300
    assert usage.connection_minutes == 1  # 600 clients for a tenth of a second
    assert usage.gb_seconds == pytest.approx(0.1)
    assert usage.write_units == 1 + 1.5
    # 600 rows of 60 bytes are 9 units, and the value is one more: for every other click.
    assert cost.listing_units(600) == 9
    assert usage.read_units == 5


def test_the_naive_design_pays_for_everyone_with_each_click() -> None:
    usage = cost.naive(LOAD)
    assert usage.messages == 601
    assert usage.read_units == 4.5
    assert usage.write_units == 1
    assert usage.connection_minutes == cost.ours(LOAD).connection_minutes


def test_a_listing_costs_at_least_one_unit() -> None:
    assert cost.listing_units(0) == cost.listing_units(68) == 1
    assert cost.listing_units(69) == 2


def test_a_row_is_as_large_as_dynamodb_counts_it() -> None:
    names = len("connectionId") + len("connectedAt") + len("expiresAt")
    assert names + cost.ID_BYTES + 2 * cost.SECONDS_BYTES == cost.ROW_BYTES == 60


def test_every_load_is_billed() -> None:
    tables = cost.report([LOAD, LOAD | {"clients": 6000, "naive": None}]).tables
    totals = tables[0].rows
    assert "(refused)" not in totals[0][1]
    assert "(refused)" in totals[1][1]
    assert all(len(table.rows) == 2 for table in tables)


def test_what_operations_says_is_what_is_reckoned_with() -> None:
    """The prices of docs/operations.md and of here are the same."""
    text = (ROOT / "docs" / "operations.md").read_text()
    for price in (prices.MESSAGE, prices.CONNECTION_MINUTE, prices.WRITE_UNIT, prices.READ_UNIT):
        dollars = f"{price * prices.MILLION:.3f}".rstrip("0").ljust(4, "0")
        assert f"${dollars} a million" in text
    assert f"${prices.GB_SECOND:.10f} a GB s" in text
