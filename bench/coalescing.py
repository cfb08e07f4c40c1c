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
    ours = designs(rows, COUNTER_SERVICE)
    theirs = designs(rows, BASELINE)
    interval = designs(rows, WITH_INTERVAL)
    return Report(
        [
            Table(
                "Messages per click",
                [
                    *("load", "baseline", "ours", "baseline / ours"),
                    *("baseline posts/s", "our posts/s", "baseline stale", "our stale"),
                ],
                [_messages(row, theirs.get(load)) for load, row in ours.items()],
                f"AWS accepts {POSTS_PER_SECOND:,} posts per second from an account; the baseline "
                "cannot do what exceeds this. Stale clients do not show the last value at the end: "
                "at the account's limit a post is given up after several 429s, and the client's "
                "next heartbeat gets the value. Responses to senders count in both designs. If a "
                "broadcast has the same value, it leaves the sender out.",
            ),
            Table(
                "Lag from the commit of a click until every client has it, ms",
                [
                    *("load", "baseline p50", "baseline p99", "our p50", "our p99"),
                    *("one fan-out", "our p99 in fan-outs", "lease writes/s"),
                ],
                [_lags(row, theirs.get(load)) for load, row in ours.items()],
                f"Simulated: DynamoDB responds in {DYNAMODB_SECONDS * 1000:.0f} ms, @connections "
                f"in {POST_SECONDS * 1000:.0f} ms; the account allows {POSTS_PER_SECOND:,} posts/s "
                f"and {POSTS_AT_ONCE:,} at once; any number of warm functions; "
                f"{CPU_SECONDS * 1e6:.0f} µs of CPU for a post of ours and "
                f"{BASELINE_CPU_SECONDS * 1e6:.0f} µs for one of boto3. Not simulated: a DynamoDB "
                "item takes about 1,000 writes per second. At 1,000 clicks/s the counter's row and "
                "the lease's are at or beyond this limit.",
            ),
        ],
        _bars(rows),
        [
            Table(
                f"With broadcastIntervalMs = {INTERVAL_MS}",
                ["load", "messages per click at 0", "with it", "lag p99 at 0, ms", "with it"],
                [
                    [
                        load,
                        *(_figure(each["messages"] / each["clicks"]) for each in (ours[load], row)),
                        *(_ms(each["lag_p99"]) for each in (ours[load], row)),
                    ]
                    for load, row in interval.items()
                ],
                "With 1,000 clients or more a fan-out takes longer than the interval, which then "
                "changes nothing.",
            )
        ],
    )


def designs(rows: list[Row], design: str) -> dict[str, Row]:
    """The outcomes of one design, by the name of the load."""
    return {load_name(row): row for row in rows if row["design"] == design}


def _messages(ours: Row, theirs: Row | None) -> list[str]:
    rate, audience = ours["clicks_per_second"], ours["clients"]
    per_click = ours["messages"] / ours["clicks"]
    return [
        load_name(ours),
        f"{audience:,}",
        _figure(per_click),
        f"{audience / per_click:,.1f}",
        f"{rate * audience:,}" + ("" if theirs else " (refused)"),
        f"{per_click * rate:,.0f}",
        f"{theirs['stale']:,}" if theirs else "-",
        f"{ours['stale']:,}",
    ]


def _lags(ours: Row, theirs: Row | None) -> list[str]:
    return [
        load_name(ours),
        *(_ms(theirs[figure]) if theirs else "-" for figure in ("lag_p50", "lag_p99")),
        *(_ms(ours[figure]) for figure in ("lag_p50", "lag_p99", "fan_out")),
        f"{ours['lag_p99'] / ours['fan_out']:.2f}",
        f"{ours['lease_writes'] / ours['clicks'] * ours['clicks_per_second']:,.0f}",
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
