"""What is billed: amounts of each unit, and their price."""

from dataclasses import dataclass, fields
from typing import Final

from . import prices

LOG_BYTES: Final = 1200  # per invocation: the function's line and Lambda's
ACCESS_LOG_BYTES: Final = 500  # per request


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Amounts that AWS bills, in its units."""

    messages_in: float  # from clients
    messages_out: float  # to clients
    connection_minutes: float
    invocations: float
    gb_seconds: float
    write_units: float
    read_units: float
    logged_requests: float = 0.0  # with accessLogs
    traces: float = 0.0
    # For a month.
    alarms: float = 0.0
    dashboards: float = 0.0
    custom_metrics: float = 0.0
    hosted_zones: float = 0.0

    def times(self, factor: float) -> "Usage":
        """The same usage so many times."""
        return Usage(**{each.name: getattr(self, each.name) * factor for each in fields(self)})


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the bill.

    Attributes:
        name: What is billed, and its unit.
        amount: How much of it.
        price: US dollars for one.
    """

    name: str
    amount: float
    price: float

    @property
    def dollars(self) -> float:
        """US dollars for the amount."""
        return self.amount * self.price


Bill = tuple[Item, ...]


def bill(usage: Usage) -> Bill:
    """Every item, those of 0 included, so that two bills have the same lines."""
    return (
        Item("messages to clients", usage.messages_out, prices.MESSAGE),
        Item("messages from clients", usage.messages_in, prices.MESSAGE),
        Item("connection minutes", usage.connection_minutes, prices.CONNECTION_MINUTE),
        Item("Lambda requests", usage.invocations, prices.INVOCATION),
        Item("Lambda GB s", usage.gb_seconds, prices.GB_SECOND),
        Item("DynamoDB write units", usage.write_units, prices.WRITE_UNIT),
        Item("DynamoDB read units", usage.read_units, prices.READ_UNIT),
        Item("function logs, GB", usage.invocations * LOG_BYTES / 1e9, prices.LOG_GB),
        Item("access logs, GB", usage.logged_requests * ACCESS_LOG_BYTES / 1e9, prices.LOG_GB),
        Item("traces", usage.traces, prices.TRACE),
        Item("alarms", usage.alarms, prices.ALARM),
        Item("dashboards", usage.dashboards, prices.DASHBOARD),
        Item("custom metrics", usage.custom_metrics, prices.CUSTOM_METRIC),
        Item("hosted zones", usage.hosted_zones, prices.HOSTED_ZONE),
    )


def total(items: Bill) -> float:
    """The sum of a bill, in US dollars."""
    return sum(item.dollars for item in items)
