"""What does one broadcaster at a time save, and what does it cost in time?"""

from dataclasses import asdict
from typing import Final

from .report import Bar, Report, Row, Table, load_name
from .simulated_aws import DYNAMODB_SECONDS, POST_SECONDS, POSTS_AT_ONCE, POSTS_PER_SECOND
from .simulated_service import BASELINE_CPU_SECONDS, CPU_SECONDS, baseline, counter_service

RATES: Final = (1, 10, 100, 1000)  # clicks per second
AUDIENCES: Final = (100, 1000, 10_000)
SECONDS: Final = 10.0
MIN_CLICKS: Final = 100  # with fewer, p99 would be the maximum
INTERVAL_MS: Final = 100
# With more clients a broadcast takes longer than the interval, which then changes nothing.
INTERVAL_LOADS: Final = ((100, 100), (1000, 100))

BASELINE, COUNTER_SERVICE, WITH_INTERVAL = "baseline", "counter service", "with interval"


def exceeds_the_account(rate: float, audience: int) -> bool:
    """Whether the baseline would post more than AWS accepts, so that its queue never ends."""
    return rate * audience > POSTS_PER_SECOND


def measure() -> list[Row]:
    rows: list[Row] = []
    for audience in AUDIENCES:
        for rate in RATES:
            seconds = max(SECONDS, MIN_CLICKS / rate)
            outcomes = {COUNTER_SERVICE: counter_service(rate, audience, seconds)}
            if not exceeds_the_account(rate, audience):
                outcomes[BASELINE] = baseline(rate, audience, seconds)
            if (rate, audience) in INTERVAL_LOADS:
                outcomes[WITH_INTERVAL] = counter_service(rate, audience, seconds, INTERVAL_MS)
            load = {"clicks_per_second": rate, "clients": audience}
            rows += [load | {"design": name} | asdict(each) for name, each in outcomes.items()]
    return rows


def report(rows: list[Row]) -> Report:
    theirs = designs(rows, BASELINE)
    return Report(
        [
            Table(
                "Messages per click, and lag from a click's commit until every client has it",
                [
                    *("load", "our messages", "baseline / ours", "our posts/s", "baseline posts/s"),
                    *("our lag p50, ms", "our lag p99, ms", "baseline lag p99, ms"),
                    *("one fan-out, ms", "our p99 in fan-outs", "lease writes/s"),
                ],
                [
                    _cells(row, theirs.get(load), load + suffix)
                    for design, suffix in ((COUNTER_SERVICE, ""), (WITH_INTERVAL, " (interval)"))
                    for load, row in designs(rows, design).items()
                ],
                "The baseline sends each click to every client. AWS accepts "
                f"{POSTS_PER_SECOND:,} posts per second from an account, and refuses what exceeds "
                "this. Responses to senders count in both designs. If a broadcast has the same "
                "value, it leaves the sender out. "
                f"Simulated: DynamoDB responds in {DYNAMODB_SECONDS * 1000:.0f} ms, @connections "
                f"in {POST_SECONDS * 1000:.0f} ms; the account allows {POSTS_AT_ONCE:,} posts at "
                f"once; any number of warm functions; {CPU_SECONDS * 1e6:.0f} µs of CPU for a post "
                f"of ours and {BASELINE_CPU_SECONDS * 1e6:.0f} µs for one of boto3. Not simulated: "
                "a DynamoDB item takes about 1,000 writes per second. At 1,000 clicks/s the "
                "counter's row and the lease's are at or beyond this limit. Rows named (interval) "
                f"have broadcastIntervalMs = {INTERVAL_MS}. With more clients a fan-out takes "
                "longer than this interval, which then changes nothing.",
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
        f"{per_click * rate:,.0f}",
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
            "every client ends with the last value wherever AWS accepted all posts",
            f"{stale} clients did not",
            not stale,
        ),
    ]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f}"


def _figure(number: float) -> str:
    return f"{number:,.1f}" if number < 100 else f"{number:,.0f}"
