"""The options of a soak, and its result."""

from dataclasses import dataclass

from counter_service.history.events import Stored
from counter_service.history.recorder import Recorder
from tests.e2e.conftest import Product

from .faults import Faults


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a soak.

    Attributes:
        seconds: Longest duration, without the storm.
        clicks: Acknowledged clicks after which the run ends earlier. None: it does not.
        clickers: Number of clients that click.
        window: Clicks that each of them has pending at once.
        listeners: Number of clients that only listen.
        tabs: Number of Chromium tabs.
        storm: Number of sockets that are opened and cut at once. 0: no storm.
        seed: Seed of the faults' random numbers.
    """

    seconds: float
    clicks: int | None
    clickers: int
    window: int
    listeners: int
    tabs: int
    storm: int
    seed: int


@dataclass(frozen=True, slots=True)
class Run:
    """A finished soak.

    Attributes:
        rounds: Number of quiets.
        seconds: Duration with the storm.
        seconds_of_rounds: Duration without the storm.
        reconnects: Number of connections of the clients after their first ones.
        cut_at_once: Sockets that were open when the storm cut them. 0: there was none.
        storm_seconds: From that cut until every client had a value again.
    """

    recorder: Recorder
    faults: Faults
    stored: Stored
    rounds: int
    seconds: float
    seconds_of_rounds: float
    reconnects: int
    cut_at_once: int
    storm_seconds: float


def stored_in(product: Product) -> Stored:
    """The counter's table."""
    pages = (
        product.aws("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=product.outputs["CounterTableName"],
            ConsistentRead=True,
            ProjectionExpression="id",
        )
    )
    ids = [row["id"]["S"] for page in pages for row in page["Items"]]
    op_ids = frozenset(each.removeprefix("op#") for each in ids if each.startswith("op#"))
    return Stored(product.stored_value(), op_ids)
