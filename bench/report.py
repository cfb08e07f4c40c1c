"""Reads and writes results, and formats them as tables."""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
RESULTS: Final = ROOT / "bench" / "results"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of text, as it is displayed. The first column names the row."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""  # what a reader must know to trust the figures

    def text(self) -> str:
        """The table for a terminal."""
        cells = [self.columns, *self.rows]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])
            for row in cells
        ]
        return "\n".join([self.title, "", *lines, self.note, ""])

    def markdown(self) -> str:
        """The table for a page, without its title."""
        marks = ["---", *("---:" for _ in self.columns[1:])]
        lines = ["| " + " | ".join(row) + " |" for row in (self.columns, marks, *self.rows)]
        return "\n".join([*lines, *(["", self.note] if self.note else [])])


@dataclass(frozen=True, slots=True)
class Bar:
    """A published claim, and whether the measurement meets it."""

    promise: str
    measured: str
    met: bool

    def line(self) -> str:
        return f"{'Met' if self.met else '**Missed**'}: {self.promise}. Measured: {self.measured}."


@dataclass(frozen=True, slots=True)
class Report:
    """The tables and claims that answer one question."""

    tables: Sequence[Table]
    bars: Sequence[Bar] = ()

    def text(self) -> str:
        tables = (table.text() for table in self.tables)
        return "\n".join([*tables, *(bar.line() for bar in self.bars)])

    def markdown(self) -> str:
        parts = [f"**{table.title}**\n\n{table.markdown()}" for table in self.tables]
        if self.bars:
            parts.append("\n".join(f"- {bar.line()}" for bar in self.bars))
        return "\n\n".join(parts)


def record(question: str, rows: Sequence[Row]) -> None:
    """Write the figures to bench/results/, one row per line, with what they were measured on."""
    head = json.dumps(circumstances())
    lines = ",\n".join(
        json.dumps({key: _six_digits(value) for key, value in row.items()}) for row in rows
    )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{question}.json").write_text(
        f'{head[:-1]}, "rows": [\n{lines}\n]}}\n', encoding="utf-8"
    )


def _six_digits(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value


def read(question: str) -> dict[str, Any]:
    """The last results of a question: `rows`, and the keys of `circumstances`."""
    found: dict[str, Any] = json.loads((RESULTS / f"{question}.json").read_text(encoding="utf-8"))
    return found


def circumstances() -> dict[str, str]:
    """Date, machine, Python version and commit of a measurement."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{_cpus()}, {platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "commit": _commit(),
    }


def _commit() -> str:
    """The commit, followed by "-dirty" if the code differs from it.

    Results and pages may differ, because a run writes them after each question.
    """
    changed = _git(
        "status", "--porcelain", "--untracked-files=no", ":!bench/results", ":!docs", ":!*.md"
    )
    return _git("rev-parse", "--short=7", "HEAD") + ("-dirty" if changed else "")


def _cpus() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # macOS
        return f"{os.cpu_count()} x {platform.processor()}"
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(models)} x {models[0]}" if models else "unknown processor"


def _git(*arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    return done.stdout.strip()


def load_name(row: Row) -> str:
    """Row name of a load, such as "100 clients, 1 click/s"."""
    rate = row["clicks_per_second"]
    return f"{row['clients']:,} clients, {rate:,} click{'s' if rate > 1 else ''}/s"
