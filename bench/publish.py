"""`python -m bench.publish`: writes bench/results/ into docs/performance.md and the README.

Only the text between two markers changes, such as `<!-- bench:click -->` and `<!-- bench:end -->`.
"""

import re
import sys
from typing import Final, Protocol

from . import click, coalescing, cold_start, cost, cpu_share, fan_out, memory, plots, quota, shards
from .report import ROOT, Report, Row, load_name, read
from .simulated_service import MEMORY_MB

PAGES: Final = (ROOT / "docs" / "performance.md", ROOT / "README.md")
IMAGES: Final = ROOT / "docs" / "images"
SUMMARY: Final = "summary"

_MARKED: Final = re.compile(r"(<!-- bench:(\w+) -->\n).*?(<!-- bench:end -->)", re.DOTALL)


class Question(Protocol):
    """A module that answers one question."""

    def measure(self) -> list[Row]: ...
    def report(self, rows: list[Row]) -> Report: ...


# In the order in which they run: the simulations need the CPU per post from fan_out, and cost needs
# the counts from coalescing.
QUESTIONS: Final[dict[str, Question]] = {
    "fan_out": fan_out,
    "coalescing": coalescing,
    "quota": quota,
    "memory": memory,
    "cpu_share": cpu_share,
    "shards": shards,
    "cold_start": cold_start,
    "click": click,
    "cost": cost,
}


def main() -> int:
    for page in PAGES:
        page.write_text(rendered(page.read_text(encoding="utf-8")), encoding="utf-8")
    plots.draw(IMAGES, _rows)
    return 0


def rendered(page: str) -> str:
    """The page with the last results between its markers."""

    def fill(match: re.Match[str]) -> str:
        content = summary() if match[2] == SUMMARY else section(match[2])
        return f"{match[1]}{content}\n{match[3]}"

    return _MARKED.sub(fill, page)


def section(question: str) -> str:
    """The picture, tables and claims of a question, and what they were measured on."""
    found = read(question)
    parts = [QUESTIONS[question].report(found["rows"]).markdown()]
    if question in plots.PICTURES:
        alternative = plots.PICTURES[question].__doc__
        parts.insert(0, f"![{alternative}](images/{plots.file_name(question)})")
    parts.append(
        f"<sub>{found['date']}, {found['machine']}, Python {found['python']}, "
        f"commit {found['commit']}.</sub>\n"
    )
    return "\n\n".join(parts)


def summary() -> str:
    """The most important figures, for the README."""
    ours, theirs = (
        next(
            row["cpu_us"]
            for row in _rows("fan_out")
            if (row["situation"], row["client"]) == (fan_out.WARM.name, client)
        )
        for client in (fan_out.COUNTER_SERVICE, fan_out.BASELINE)
    )
    load = coalescing.designs(_rows("coalescing"), coalescing.COUNTER_SERVICE)[
        "1,000 clients, 100 clicks/s"
    ]
    clicks = [row for row in _rows("click") if row["peer"] == click.BASELINE][-1]
    [start] = [row for row in _rows("cold_start") if row["peer"] == cold_start.COUNTER_SERVICE]
    per_click, lag = load["messages"] / load["clicks"], load["lag_p99"] * 1000
    sender, everyone = clicks["sender_ratio"], clicks["everyone_ratio"]
    return f"""\
- Posting to one client takes {ours:.0f} µs of CPU. With boto3 in threads it takes {theirs:,.0f} µs.
- {load_name(load)}: {per_click:.0f} messages per click instead of 1,000, and every client has \
a click within {lag:.0f} ms (p99, simulated with {MEMORY_MB} MB).
- {clicks["clients"]} clients: the sender of a click has the response {sender:.1f} times sooner \
than with a handler written as in tutorials, and all clients have the value \
{everyone:.1f} times sooner (embedded AWS).
- A cold start including the first click uses {1 - start["cpu_ratio"]:.0%} less CPU than with the \
tutorials' handler."""


def _rows(question: str) -> list[Row]:
    rows: list[Row] = read(question)["rows"]
    return rows


if __name__ == "__main__":
    sys.exit(main())
