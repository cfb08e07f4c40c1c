"""How many clicks with op ids does one row of the counter take, and how many do several?

The product's own counting on a simulated DynamoDB, in virtual time: it says the same each time, on
any machine. Clicks come at random, each in an invocation of its own, and none is sent again by its
client.
"""

import sys
from dataclasses import dataclass, field
from random import Random

from counter_service.runtime.core.backoff import Backoff
from counter_service.runtime.core.counting import ClickCounter
from counter_service.runtime.core.errors import StoreBusy
from counter_service.runtime.dynamodb.counter_store import DynamoCounterStore
from simulation.dynamodb import Client, Table
from simulation.virtual_time import VirtualTime

from .report import Report
from .report import Table as Printed

SECONDS = 10
OFFERED = (10, 25, 50, 100, 200, 500)  # clicks a second
SHARDS = (1, 4, 16)


@dataclass
class Measured:
    shards: int
    offered: int
    clicks: int = 0
    milliseconds: list[float] = field(default_factory=list)  # of the acknowledged ones
    retries: int = 0
    busy: int = 0

    def percentile(self, share: float) -> float:
        return sorted(self.milliseconds)[int(share * (len(self.milliseconds) - 1))]

    def row(self) -> list[str]:
        return [
            f"{self.shards} row{'s' * (self.shards > 1)}, {self.offered} clicks/s",
            f"{len(self.milliseconds) / SECONDS:.1f}",
            f"{self.percentile(0.5):,.0f}",
            f"{self.percentile(0.99):,.0f}",
            f"{self.retries / self.clicks:.2f}",
            f"{100 * self.busy / self.clicks:.1f} %",
        ]


def measure(shards: int, offered: int) -> Measured:
    random = Random(offered)
    time = VirtualTime()
    table = Table(time, random)
    counter = DynamoCounterStore(
        "counter",
        Client(table, attempts=3),
        no_retry_client=Client(table, attempts=1),
        shards=shards,
        random=random.random,
        backoff=Backoff(time, random.random),
    )
    tally = ClickCounter(counter, time, Backoff(time, random.random))
    measured = Measured(shards, offered)

    def click(number: int) -> None:
        began = time.ms
        measured.clicks += 1
        try:
            counted = tally.count(f"bench-of-the-shards:{number}")
        except StoreBusy as failure:
            measured.busy += 1
            measured.retries += failure.attempts - 1
            return
        measured.retries += counted.retries
        measured.milliseconds.append(time.ms - began)

    def arrivals() -> None:
        end = time.ms + SECONDS * 1000
        while time.ms < end:
            time.spawn(lambda: click(measured.clicks))
            time.wait(random.expovariate(offered / 1000))

    time.spawn(arrivals)
    time.run()
    if table.value != len(measured.milliseconds):
        sys.exit(f"{table.value} counted, {len(measured.milliseconds)} acknowledged")
    return measured


def main() -> None:
    measured = [measure(shards, offered) for shards in SHARDS for offered in OFFERED]
    table = Printed(
        "Clicks that are counted exactly once, by the rows of the counter",
        ("offered", "acknowledged/s", "p50, ms", "p99, ms", "retries a click", "busy"),
        [each.row() for each in measured],
        "Assumed of DynamoDB: a transaction holds its rows for 8 to 15 ms, and another that wants "
        "one of them meanwhile is cancelled; a row takes 1,000 write units a second, two for a "
        "write within a transaction; a request is 0.5 to 1.5 ms on its way, each way.",
    )
    Report("shards", [table]).publish()
