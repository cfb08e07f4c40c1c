"""The report of `counter cost`, as tables and as JSON."""

from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from counter_service.costs import prices
from counter_service.costs.bill import Bill, Item, bill, total
from counter_service.costs.effects import Effect, effects
from counter_service.costs.forecast import (
    MONTH_DAYS,
    Load,
    broadcast_seconds,
    month,
    naive_month,
)
from counter_service.costs.units import CLICKS_PER_ROW, Sizing
from counter_service.infra import quotas
from counter_service.infra.settings import Settings

from .configuration import Stack


@dataclass(frozen=True, slots=True)
class Report:
    """What a load costs with the settings of a stack.

    Attributes:
        counter: The bill of this design.
        naive: The bill of the naive one, with the same lines.
        effects: The effect of each setting.
        notes: What of the load the stack or AWS would refuse, as sentences.
    """

    load: Load
    stack: str
    sizing: Sizing
    counter: Bill
    naive: Bill
    effects: list[Effect]
    notes: list[str]

    def as_json(self) -> dict[str, Any]:
        """The report for programs. Money is in US dollars a month."""
        return {
            "load": asdict(self.load),
            "stack": self.stack,
            "settings": asdict(self.sizing),
            "prices": prices.REGION,
            "counter": _bill_as_json(self.counter),
            "naive": _bill_as_json(self.naive),
            "broadcast_seconds": broadcast_seconds(self.load.clients, self.sizing),
            "effects": [asdict(each) for each in self.effects],
            "notes": self.notes,
        }

    def show(self, out: Console) -> None:
        """Print the report for people."""
        load = self.load
        out.print(
            f"{load.clients:,} {_plural('client', load.clients)}, {load.clicks_per_second:,.4g} "
            f"clicks/s in all, {load.hours:g} h a day for {MONTH_DAYS} days; settings of the stack "
            f"{self.stack}. List prices of {prices.REGION}, without free tiers and taxes.\n"
        )
        out.print(self._bill_table())
        out.print()
        out.print(self._effects_table())
        for note in self.notes:
            out.print()
            out.print(Text.assemble(("note: ", "bold yellow"), note))

    def _bill_table(self) -> Table:
        table = _table("a month", "amount", "price", "counter", "naive")
        for ours, theirs in zip(self.counter, self.naive, strict=True):
            if ours.amount or theirs.amount:
                cells = (_money(ours.dollars), _money(theirs.dollars))
                table.add_row(ours.name, _amount(ours), _price(ours), *cells)
        table.add_section()
        sums = (_money(total(self.counter)), _money(total(self.naive)))
        table.add_row("sum", "", "", *sums, style="bold")
        return table

    def _effects_table(self) -> Table:
        table = _table("setting", "now", "instead", "a month", "a broadcast takes")
        now = broadcast_seconds(self.load.clients, self.sizing)
        for each in self.effects:
            seconds = each.broadcast_seconds
            table.add_row(
                each.key,
                _value(each.now),
                _value(each.instead),
                _change(each.dollars),
                "" if seconds == now else f"{_seconds(now)} → {_seconds(seconds)}",
            )
        return table


def sizing_of(settings: Settings) -> Sizing:
    """The settings that the bill depends on."""
    return Sizing(
        memory_mb=settings.memory_mb,
        posts_per_second=settings.posts_per_second,
        counter_shards=settings.counter_shards,
        clicks_per_second=settings.clicks_per_second,
        access_logs=settings.access_logs,
        tracing=settings.tracing,
        alarms=settings.alarms,
        dashboard=settings.dashboard,
        domain=bool(settings.domain_name),
    )


def of(load: Load, stack: Stack) -> Report:
    """The report of a load with the settings of a stack."""
    sizing = sizing_of(stack.settings)
    return Report(
        load,
        stack.name,
        sizing,
        bill(month(load, sizing)),
        bill(naive_month(load, sizing)),
        effects(load, sizing),
        _notes(load, stack.settings),
    )


def _notes(load: Load, settings: Settings) -> list[str]:
    rate = load.clicks_per_second
    quota = quotas.requests_per_second(settings.region)
    rows = settings.counter_shards
    notes = []
    if rate * (1 + load.clients) > quota:
        notes.append(
            f"The naive design would post {rate * load.clients:,.0f} messages a second, and API "
            f"Gateway accepts {quota:,} requests in {settings.region}. Its bill is the price if it "
            "could."
        )
    if rate > settings.throttle_rate:
        notes.append(
            f"throttleRate is {settings.throttle_rate:,}, so API Gateway refuses the other clicks. "
            "Raise it."
        )
    if 0 < settings.clicks_per_second < rate / load.clients:
        notes.append(
            f"Each client clicks {rate / load.clients:,.3g} times a second, and clicksPerSecond "
            f"allows {settings.clicks_per_second}. Raise it."
        )
    if rate > CLICKS_PER_ROW * rows:
        notes.append(
            f"The counter has {rows} {_plural('row', rows)}, and one takes about {CLICKS_PER_ROW} "
            "clicks a second. Raise counterShards, or clients get busy and retry."
        )
    return notes


def _bill_as_json(items: Bill) -> dict[str, Any]:
    lines = [asdict(item) | {"usd": item.dollars} for item in items]
    return {"items": lines, "usd": total(items)}


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(columns[0], no_wrap=True)
    for column in columns[1:]:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _amount(item: Item) -> str:
    amount = item.amount
    for size, name in ((1e9, "billion"), (1e6, "million")):
        if amount >= size:
            return f"{amount / size:,.2f} {name}"
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:,.3g}"


def _price(item: Item) -> str:
    if item.price >= 0.01:
        return f"${item.price:.2f} each"
    million = f"{item.price * prices.MILLION:.3f}"
    return f"${million.removesuffix('0')} a million"


def _money(dollars: float) -> str:
    return f"${dollars:,.2f}" if dollars < 1000 else f"${dollars:,.0f}"


def _change(dollars: float) -> str:
    if abs(dollars) < 0.005:
        return "nothing"
    return f"{'+' if dollars > 0 else '-'}{_money(abs(dollars))}"


def _value(value: int | bool) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:,}"


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms" if seconds < 1 else f"{seconds:,.1f} s"


def _plural(noun: str, number: int) -> str:
    return noun if number == 1 else f"{noun}s"
