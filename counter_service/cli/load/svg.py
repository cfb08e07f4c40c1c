"""The histograms of a load as a picture, legible on light and on dark pages. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from .result import ACKNOWLEDGEMENT, EVERYONE, Result
from .times import bounds, counts, milliseconds, name, summary

WIDTH: Final = 720
MARGIN: Final = 24
HEAD: Final = 64  # the title, and a gap
FOOT: Final = 20
BAR_HEIGHT: Final = 120  # the tallest bar
PANEL: Final = 220  # a panel with its heading and its labels

STYLE: Final = """\
  .page { fill: #ffffff } .text { fill: #1f2328 } .dim { fill: #59636e }
  .bar0 { fill: #0969da } .bar1 { fill: #8250df } .axis { stroke: #d1d9e0 }
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif }
  .title { font-size: 17px; font-weight: 600 } .heading { font-weight: 600 }
  .label { font-size: 11px; text-anchor: middle } .end { text-anchor: end }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .text { fill: #e6edf3 } .dim { fill: #9198a1 }
    .bar0 { fill: #4493f8 } .bar1 { fill: #ab7df8 } .axis { stroke: #3d444d }
  }
"""


def svg(result: Result) -> str:
    """The picture of a result: a histogram with its percentiles for each latency of a click."""
    plan = result.plan
    title = (
        f"{plan.clients:,} clients, {plan.clicks_per_second:g} clicks/s for {plan.seconds:g} s, "
        f"{result.acknowledged:,} clicks acknowledged"
    )
    series = {each: result.seconds[each] for each in (ACKNOWLEDGEMENT, EVERYONE)}
    upper = bounds([value for values in series.values() for value in values])
    height = HEAD + PANEL * len(series) + FOOT
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
        f"<title>{title}</title>",
        f"<style>\n{STYLE}</style>",
        f'<rect class="page" width="{WIDTH}" height="{height}" rx="8"/>',
        _text("text title", MARGIN, 40, title),
    ]
    for number, (heading, values) in enumerate(series.items()):
        top = HEAD + PANEL * number
        lines += _heading(heading, values, top)
        lines += _bars(counts(values, upper), upper, top + PANEL - 40, f"bar{number}")
    note = "A bar has the clicks that took up to the time below it."
    return "\n".join([*lines, _text("dim", MARGIN, height - 14, note), "</svg>\n"])


def _heading(heading: str, values: Sequence[float], top: int) -> Iterator[str]:
    percentiles = "no clicks"
    if found := summary(values):
        times = {"p50": found.p50, "p90": found.p90, "p99": found.p99, "max": found.greatest}
        percentiles = " · ".join(f"{key} {milliseconds(time)}" for key, time in times.items())
    yield _text("text heading", MARGIN, top + 16, heading)
    yield _text("dim end", WIDTH - MARGIN, top + 16, percentiles)


def _bars(numbers: Sequence[int], upper: Sequence[float], bottom: int, style: str) -> Iterator[str]:
    """Bars on their axis, each with its number above and its upper bound below."""
    greatest = max(numbers, default=0) or 1
    step = (WIDTH - 2 * MARGIN) / max(len(upper), 8)
    for place, (number, bound) in enumerate(zip(numbers, upper, strict=True)):
        left, middle = MARGIN + place * step, MARGIN + (place + 0.5) * step
        height = BAR_HEIGHT * number / greatest
        if number:
            area = f'x="{left + 2:.1f}" y="{bottom - height:.1f}" width="{step - 4:.1f}"'
            yield f'<rect class="{style}" {area} height="{height:.1f}" rx="2"/>'
            yield _text("dim label", middle, bottom - height - 5, f"{number:,}")
        yield _text("dim label", middle, bottom + 16, name(bound))
    yield f'<path class="axis" d="M{MARGIN} {bottom + 0.5}H{WIDTH - MARGIN}"/>'


def _text(style: str, x: float, y: float, text: str) -> str:
    return f'<text class="{style}" x="{x:.1f}" y="{y:.1f}">{text}</text>'
