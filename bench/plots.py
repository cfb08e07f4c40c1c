"""Pictures of the results as SVG, with colours that are legible on light and on dark pages."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from . import coalescing, fan_out
from .report import Row

OURS: Final = "#2f81f7"
THEIRS: Final = "#b7791f"
TEXT: Final = "#7d8590"

STYLES: Final = {100: ":", 1000: "--", 10_000: "-"}  # by number of clients; colours: the design


def draw(folder: Path, rows_of: Callable[[str], list[Row]]) -> None:
    """Write perf-*.svg. The same results give the same bytes."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update(
        {
            "svg.hashsalt": "bench",
            "svg.fonttype": "none",
            "font.size": 10,
            "font.family": "sans-serif",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": TEXT,
            "axes.labelcolor": TEXT,
            "axes.titlelocation": "left",
            "axes.titlesize": 11,
            "text.color": TEXT,
            "xtick.color": TEXT,
            "ytick.color": TEXT,
            "legend.frameon": False,
        }
    )
    for question, picture in PICTURES.items():
        picture(rows_of(question)).savefig(
            folder / file_name(question),
            transparent=True,
            bbox_inches="tight",
            metadata={"Date": None},
        )


def file_name(question: str) -> str:
    return f"perf-{question.replace('_', '-')}.svg"


def _axes(width: float, height: float, title: str) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    axes = figure.subplots()
    axes.set_title(title, pad=12)
    return figure, axes


def _cpu_per_post(rows: list[Row]) -> Any:
    """CPU per post: the counter service, boto3, boto3 tuned, and Node's SDK"""
    situation = fan_out.WARM.name
    rows = [row for row in rows if row["situation"] == situation][::-1]
    names, cpu = [row["client"] for row in rows], [row["cpu_us"] for row in rows]
    figure, axes = _axes(7, 2, f"CPU per post, µs ({situation})")
    colours = [OURS if name == fan_out.COUNTER_SERVICE else THEIRS for name in names]
    axes.barh(names, cpu, color=colours, height=0.6)
    for number, value in enumerate(cpu):
        axes.annotate(
            f"{value:,.0f}", (value, number), (5, 0), textcoords="offset points", va="center"
        )
    axes.spines[["bottom", "left"]].set_visible(False)
    axes.tick_params(length=0)
    axes.xaxis.set_visible(False)
    return figure


def _messages_per_click(rows: list[Row]) -> Any:
    """Messages per click, by clicks per second: ours decrease, the baseline's do not"""
    figure, axes = _axes(7, 3.8, "Messages per click (log scales)")
    for clients, style in STYLES.items():
        ours = [
            row
            for row in rows
            if (row["clients"], row["design"]) == (clients, coalescing.COUNTER_SERVICE)
        ]
        rates = [row["clicks_per_second"] for row in ours]
        possible = [rate for rate in rates if not coalescing.exceeds_the_account(rate, clients)]
        refused = [possible[-1], *rates[len(possible) :]]
        for part, alpha in ((possible, 1), (refused, 0.35)):
            axes.plot(part, [clients] * len(part), color=THEIRS, linestyle=style, alpha=alpha)
        per_click = [row["messages"] / row["clicks"] for row in ours]
        axes.plot(rates, per_click, color=OURS, linestyle=style, marker="o", markersize=4)
        axes.annotate(
            f"{clients:,} clients", (rates[0], clients), (2, 5), textcoords="offset points"
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(2, 25_000)
    axes.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.minorticks_off()
    axes.set_xlabel("clicks per second")
    axes.plot([], [], color=THEIRS, label="every click posts to everyone (faint: AWS refuses)")
    axes.plot([], [], color=OURS, marker="o", markersize=4, label="one broadcaster at a time")
    axes.legend(loc="lower left", fontsize=9)
    return figure


# The first line of a docstring is the picture's alternative text.
PICTURES: Final[dict[str, Callable[[list[Row]], Any]]] = {
    "fan_out": _cpu_per_post,
    "coalescing": _messages_per_click,
}
