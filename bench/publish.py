"""`python -m bench.publish`: the results of bench/results/ into docs/performance.md and the README.

Between a page's markers, such as `<!-- bench:click -->` and `<!-- bench:end -->`, is what is said
here; everything else is written by hand and stays.
"""

import re
import sys
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any, Final

from . import plots
from .report import ROOT, Table, read

PAGES: Final = (ROOT / "docs" / "performance.md", ROOT / "README.md")
IMAGES: Final = ROOT / "docs" / "images"
SUMMARY: Final = "summary"

_MARKED: Final = re.compile(r"(<!-- bench:(\w+) -->\n).*?(<!-- bench:end -->)", re.DOTALL)

Results = Mapping[str, Any]


def main() -> int:
    for page in PAGES:
        page.write_text(rendered(page.read_text(), measured))
    plots.draw(IMAGES, measured)
    return 0


def measured(question: str) -> Results | None:
    """The last results of a question; None if it was never asked here."""
    try:
        return read(question)
    except FileNotFoundError:
        return None


def rendered(page: str, results: Callable[[str], Results | None] = measured) -> str:
    """The page with what stands between its markers made anew."""

    def fill(match: re.Match[str]) -> str:
        name = match[2]
        content = summary(results) if name == SUMMARY else section(name, results(name))
        return f"{match[1]}{content}\n{match[3]}"

    return _MARKED.sub(fill, page)


def section(question: str, found: Results | None) -> str:
    """Tables, bars, and what they were measured on."""
    if found is None:
        return f"Not measured yet: `make bench QUESTION={question}`.\n"
    parts = [Table(**table).markdown() for table in found["tables"]]
    if question in plots.PICTURES:
        alternative = plots.PICTURES[question].__doc__
        parts.insert(0, f"![{alternative}](images/{plots.file_name(question)})")
    if found["bars"]:
        parts.append(
            "\n".join(
                f"- {'Held' if bar['held'] else '**Missed**'}: {bar['promise']}. "
                f"Measured: {bar['measured']}."
                for bar in found["bars"]
            )
        )
    parts.append(
        f"<sub>{found['date']}, {found['machine']}, Python {found['python']}, "
        f"commit {found['commit']}.</sub>"
    )
    return "\n\n".join(parts) + "\n"


def summary(results: Callable[[str], Results | None]) -> str:
    """Three or four figures for who reads nothing else."""
    lines = []
    if found := results("fan_out"):
        posters = found["data"]["samples"][plots.TYPICAL]
        ours, theirs = (
            median(run["cpu_us"] for run in posters[name]) for name in ("ours", plots.SDK)
        )
        lines.append(
            f"- A post to a client takes {ours:.0f} µs of CPU; in boto3's threads it takes "
            f"{theirs:,.0f} µs."
        )
    if found := results("coalescing"):
        load = next(
            each["ours"]
            for each in found["data"]["loads"]
            if (each["clicks_per_second"], each["clients"]) == (100, 1000)
        )
        lines.append(
            f"- 100 clicks/s, 1,000 clients: {load['messages'] / load['clicks']:.0f} messages a "
            "click instead of 1,000, and a click is everywhere within "
            f"{load['lag_p99'] * 1000:.0f} ms (p99, simulated)."
        )
    if found := results("click"):
        times = found["tables"][0]["rows"][-1]
        lines.append(
            f"- A click among {times[0]}: its sender has the answer {times[3]} times sooner than "
            f"with the usual handler, everyone has it {times[6]} times sooner (embedded AWS)."
        )
    if found := results("cold_start"):
        share = found["bars"][0]["measured"]
        lines.append(f"- A cold start with its first click takes {share} of that handler's CPU.")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
