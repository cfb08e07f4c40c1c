"""How many clicks per second do one or several rows of the counter take, each counted exactly once?

The product's own counting on a simulated DynamoDB, in virtual time, with the same figures on every
run and every machine. Clicks arrive at random, each in an invocation of its own. No client retries.
"""

import sys
from collections.abc import Sequence
from random import Random
from typing import Final

from counter_service.runtime.core.backoff import Backoff
from counter_service.runtime.core.counting import ClickCounter
from counter_service.runtime.core.errors import StoreBusy
from counter_service.runtime.dynamodb.counter_store import DynamoCounterStore
from simulation import dynamodb
from simulation.virtual_time import VirtualTime

from .report import Report, Row, Table

SECONDS: Final = 10
OFFERED: Final = (10, 25, 50, 100, 200, 500)  # clicks per second
SHARDS: Final = (1, 4, 16)


def measure() -> list[Row]:
    return [simulate(shards, offered) for offered in OFFERED for shards in SHARDS]


def simulate(shards: int, offered: int) -> Row:
    random = Random(offered)
    time = VirtualTime()
    table = dynamodb.Table(time, random)
    counter = DynamoCounterStore(
        "counter",
        dynamodb.Client(table, attempts=3),
        no_retry_client=dynamodb.Client(table, attempts=1),
        shards=shards,
        random=random.random,
        backoff=Backoff(time, random.random),
    )
    click_counter = ClickCounter(counter, time, Backoff(time, random.random))
    retries: list[int] = []  # of each click
    acknowledged: list[float] = []  # milliseconds of each click that was acknowledged

    def click(number: int) -> None:
        start = time.ms
        try:
            counted = click_counter.count(f"bench-of-the-shards:{number}")
        except StoreBusy as failure:
            retries.append(failure.attempts - 1)
            return
        retries.append(counted.retries)
        acknowledged.append(time.ms - start)

    def arrivals() -> None:
        end, number = time.ms + SECONDS * 1000, 0
        while time.ms < end:
            time.spawn(lambda number=number: click(number))  # type: ignore[misc]
            time.wait(random.expovariate(offered / 1000))
            number += 1

    time.spawn(arrivals)
    time.run()
    if table.value != len(acknowledged):
        sys.exit(f"The counter is {table.value}, but {len(acknowledged)} clicks were acknowledged.")
    return {
        "shards": shards,
        "offered": offered,
        "p99_ms": _percentile(acknowledged, 0.99),
        "retries": sum(retries) / len(retries),
        "busy": 1 - len(acknowledged) / len(retries),
    }


def _percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))]


def report(rows: list[Row]) -> Report:
    cells: dict[int, list[str]] = {}
    for row in rows:
        cells.setdefault(row["offered"], []).extend(
            [f"{row['p99_ms']:,.0f}", f"{row['retries']:.2f}", f"{row['busy']:.1%}"]
        )
    columns = [
        column
        for shards in SHARDS
        for column in (f"{shards} row{'s' * (shards > 1)}: p99, ms", "retries per click", "busy")
    ]
    return Report(
        [
            Table(
                "Clicks counted exactly once, by the rows of the counter",
                ["offered", *columns],
                [[f"{offered} clicks/s", *each] for offered, each in cells.items()],
                "A busy click was not counted, and its client must retry. Assumptions "
                "about DynamoDB: a transaction holds its rows for 8 to 15 ms, and another that "
                "needs one of them is cancelled. A row takes 1,000 write units per second, two for "
                "each write in a transaction. A request takes 0.5 to 1.5 ms each way.",
            )
        ]
    )
