"""A few pictures of the results, as SVG. They stand on a white page and on a dark one alike: no
background, and colours between the two."""

from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any, Final

Results = Mapping[str, Any]

# What of bench/fan_out.py stands for all of it.
TYPICAL: Final = "10,000 posts, TLS, warm pool"
SDK: Final = "boto3, 64 threads"

OURS: Final = "#2f81f7"
OURS_LIGHT: Final = "#88b8fb"
THEIRS: Final = "#b7791f"
THEIRS_LIGHT: Final = "#e0b75e"
TEXT: Final = "#7d8590"

# Clients by line style: the colour already says whose design it is.
STYLES: Final = {100: ":", 1000: "--", 10_000: "-"}


def draw(folder: Path, results: Callable[[str], Results | None]) -> None:
    """perf-*.svg for each question that was asked. The same results give the same bytes."""
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update(
        {
            "svg.hashsalt": "bench",
            "font.size": 10,
            "font.family": "DejaVu Sans",
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
        if found := results(question):
            picture(found).savefig(
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


def fan_out(found: Results) -> Any:
    """CPU a post: ours, boto3 in several ways, aiobotocore, and the SDK of Node"""
    posters = found["data"]["samples"][TYPICAL]
    cpu = {name: median(run["cpu_us"] for run in runs) for name, runs in posters.items()}
    figure, axes = _axes(7, 3, f"CPU a post, µs ({TYPICAL})")
    _bars(axes, cpu, "{:,.0f}")
    return figure


def coalescing(found: Results) -> Any:
    """Messages for each click, by clicks a second: ours falls, the naive design does not"""
    figure, axes = _axes(7, 3.8, "Messages for each click (log scales)")
    grouped: dict[int, list[Results]] = {}
    for load in found["data"]["loads"]:
        grouped.setdefault(load["clients"], []).append(load)
    for clients, loads in grouped.items():
        style = STYLES[clients]
        rates = [load["clicks_per_second"] for load in loads]
        possible = [load["clicks_per_second"] for load in loads if load["naive"]]
        counted = [load["ours"]["messages"] / load["ours"]["clicks"] for load in loads]
        axes.plot(possible, [clients] * len(possible), color=THEIRS, linestyle=style)
        refused = [possible[-1], *rates[len(possible) :]]
        axes.plot(refused, [clients] * len(refused), color=THEIRS, linestyle=style, alpha=0.35)
        axes.plot(rates, counted, color=OURS, linestyle=style, marker="o", markersize=4)
        axes.annotate(
            f"{clients:,} clients", (rates[0], clients), (2, 5), textcoords="offset points"
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_ylim(2, 25_000)
    axes.set_xticks([1, 10, 100, 1000], ["1", "10", "100", "1,000"])
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.minorticks_off()
    axes.set_xlabel("clicks a second")
    axes.plot([], [], color=THEIRS, label="every click posts to everyone (faint: AWS refuses)")
    axes.plot([], [], color=OURS, marker="o", markersize=4, label="one broadcaster at a time")
    axes.legend(loc="lower left", fontsize=9)
    return figure


def cost(found: Results, clients: int = 1000) -> Any:
    """Dollars for a million clicks with 1,000 clients, by clicks a second"""
    loads = [load for load in found["data"]["loads"] if load["clients"] == clients]
    figure, axes = _axes(7, 3, f"Dollars for a million clicks, {clients:,} clients")
    dollars = {}
    for load in loads:
        rate = (
            f"{load['clicks_per_second']:,} click{'s' if load['clicks_per_second'] > 1 else ''}/s"
        )
        dollars[f"{rate}, naive"] = load["naive"]
        dollars[f"{rate}, ours"] = load["ours"]
    _bars(axes, dollars, "{:,.0f}")
    return figure


def cold_start(found: Results) -> Any:
    """CPU of a cold start: ours, the usual handler, other ways to start the SDK, and none"""
    data = found["data"]
    names = list(data)[::-1]
    labels = [name.replace(": ", ":\n") for name in names]
    figure, axes = _axes(7, 3, "CPU of a cold start, ms: init, then the first click")
    init = [data[name]["init cpu"] * 1000 for name in names]
    first = [data[name]["first cpu"] * 1000 for name in names]
    ours = [name == "ours" for name in names]
    axes.barh(labels, init, color=[OURS if mine else THEIRS for mine in ours], height=0.6)
    axes.barh(
        labels,
        first,
        left=init,
        color=[OURS_LIGHT if mine else THEIRS_LIGHT for mine in ours],
        height=0.6,
    )
    for row, name in enumerate(names):
        axes.text(init[row] + first[row] + 4, row, f"{data[name]['cpu'] * 1000:.0f}", va="center")
    _bare(axes)
    return figure


def _bars(axes: Any, values: Mapping[str, float], form: str) -> None:
    names = list(values)[::-1]
    colours = [OURS if name.endswith("ours") else THEIRS for name in names]
    axes.barh(names, [values[name] for name in names], color=colours, height=0.6)
    for row, name in enumerate(names):
        axes.annotate(
            form.format(values[name]),
            (values[name], row),
            (5, 0),
            textcoords="offset points",
            va="center",
        )
    _bare(axes)


def _bare(axes: Any) -> None:
    """The figures stand beside their bars."""
    axes.spines[["bottom", "left"]].set_visible(False)
    axes.tick_params(length=0)
    axes.xaxis.set_visible(False)


# What a picture's docstring says, stands in the page for who cannot see it.
PICTURES: Final[dict[str, Callable[[Results], Any]]] = {
    "fan_out": fan_out,
    "coalescing": coalescing,
    "cold_start": cold_start,
    "cost": cost,
}
