"""What does one broadcaster at a time save, and what does it cost in time?"""

from dataclasses import asdict
from typing import Final

from counter_service.costs.units import CPU_MEMORY_MB, DYNAMODB_SECONDS, POST_SECONDS, core_share

from . import fan_out
from .report import Bar, Report, Row, Table, load_name
from .simulated_gateway import QUOTA
from .simulated_service import MEMORY_MB, Load, baseline, counter_service, random_moments

RATES: Final = (1, 10, 100, 1000)  # clicks per second
AUDIENCES: Final = (100, 1000, 10_000)
SECONDS: Final = 10.0
SECONDS_PER_CLIENT: Final = 0.004  # 20 fan-outs at the default pace
MIN_CLICKS: Final = 100  # with fewer, p99 would be the maximum

BASELINE, COUNTER_SERVICE = "baseline", "counter service"
DESIGNS: Final = {COUNTER_SERVICE: counter_service, BASELINE: baseline}
POSTING_CLIENTS: Final = {COUNTER_SERVICE: fan_out.COUNTER_SERVICE, BASELINE: fan_out.TUNED}


def exceeds_the_account(rate: float, audience: int) -> bool:
    """Whether the baseline would post more than AWS accepts, so that its queue never ends."""
    return rate * audience > QUOTA.requests_per_second


def measure() -> list[Row]:
    rows: list[Row] = []
    for audience in AUDIENCES:
        for rate in RATES:
            clicks = random_moments(
                rate, max(SECONDS, audience * SECONDS_PER_CLIENT, MIN_CLICKS / rate)
            )
            for design, simulate in DESIGNS.items():
                if design == BASELINE and exceeds_the_account(rate, audience):
                    continue
                situation = {
                    "clicks_per_second": rate,
                    "clients": audience,
                    "design": design,
                    "cpu_us": fan_out.cpu_seconds(POSTING_CLIENTS[design]) * 1e6,  # of a whole core
                }
                outcome = simulate(Load(clients=audience, clicks=clicks))
                rows.append(situation | asdict(outcome))
    return rows


def report(rows: list[Row]) -> Report:
    ours, theirs = designs(rows, COUNTER_SERVICE), designs(rows, BASELINE)
    cpu_us = {row["design"]: row["cpu_us"] for row in rows}
    return Report(
        [
            Table(
                "Messages per click, and lag from a click's commit until every client has it",
                [
                    *("load", "our messages", "baseline / ours", "our posts/s", "baseline posts/s"),
                    *("our lag p50, ms", "our lag p99, ms", "baseline lag p99, ms"),
                    *("one fan-out, ms", "our p99 in fan-outs", "lease writes/s"),
                ],
                [_cells(row, theirs.get(load), load) for load, row in ours.items()],
                "The baseline sends each click to every client. AWS accepts "
                f"{QUOTA.requests_per_second:,} requests per second from an account, with a burst "
                f"of {QUOTA.burst:,}, and refuses the rest. Clicks and posts both count. "
                f"postsPerSecond is {QUOTA.default_posts_per_second:,}, the default. Messages "
                "include the responses to senders in both designs. A broadcast leaves out a sender "
                "whose response had the same value. Simulated: DynamoDB responds in "
                f"{DYNAMODB_SECONDS * 1000:.0f} ms, and @connections in {POST_SECONDS * 1000:.0f} "
                "ms. There is any number of warm functions, and the baseline's have no timeout. A "
                f"post takes {cpu_us[COUNTER_SERVICE]:.0f} µs of CPU in ours and "
                f"{cpu_us[BASELINE]:.0f} µs in boto3, as measured above. A function with "
                f"{MEMORY_MB} MB has {core_share(MEMORY_MB):.2f} of a core ({CPU_MEMORY_MB:,} MB "
                "are one core). Not simulated: a DynamoDB item takes about 1,000 writes per "
                "second. At 1,000 clicks/s the counter's row and the lease's are at or beyond this "
                "limit.",
            )
        ],
        _bars(rows),
    )


def designs(rows: list[Row], design: str) -> dict[str, Row]:
    """The outcomes of one design, by the name of the load."""
    return {load_name(row): row for row in rows if row["design"] == design}


def _cells(ours: Row, theirs: Row | None, name: str) -> list[str]:
    rate, audience = ours["clicks_per_second"], ours["clients"]
    per_click = ours["messages"] / ours["clicks"]
    return [
        name,
        _figure(per_click),
        f"{audience / per_click:,.1f}",
        f"{ours['messages'] / ours['seconds']:,.0f}",
        f"{rate * audience:,}" + (" (refused)" if exceeds_the_account(rate, audience) else ""),
        *(_ms(ours[figure]) for figure in ("lag_p50", "lag_p99")),
        _ms(theirs["lag_p99"]) if theirs else "-",
        _ms(ours["fan_out"]),
        f"{ours['lag_p99'] / ours['fan_out']:.2f}",
        f"{ours['lease_writes'] / ours['clicks'] * rate:,.0f}",
    ]


def _bars(rows: list[Row]) -> list[Bar]:
    ours = designs(rows, COUNTER_SERVICE)
    busy = ours["1,000 clients, 1,000 clicks/s"]
    messages, lag = busy["messages"] / busy["clicks"], busy["lag_p99"] / busy["fan_out"]
    stale = sum(row["stale"] for row in ours.values() if not row["throttled"])
    return [
        Bar(
            "1,000 clients, 1,000 clicks/s: at most 1/20 of the baseline's messages",
            f"1/{1000 / messages:.0f}",
            messages <= 1000 / 20,
        ),
        Bar("the same load: lag p99 of at most 2 fan-outs", f"{lag:.2f}", lag <= 2),
        Bar(
            "a broadcast leaves no client stale wherever AWS accepted all posts",
            f"{stale} clients were stale",
            not stale,
        ),
    ]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f}"


def _figure(number: float) -> str:
    return f"{number:,.1f}" if number < 100 else f"{number:,.0f}"
