"""What a question came to: tables to print, bars held or missed, and a file to publish from."""

import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
RESULTS: Final = ROOT / "bench" / "results"


@dataclass(frozen=True, slots=True)
class Table:
    """Cells are text as it is to be read; the first column names the row."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""  # what a reader must know to trust the figures

    def text(self) -> str:
        """For a terminal: the first column to the left, figures to the right."""
        widths = [max(len(row[i]) for row in (self.columns, *self.rows)) for i in self._indices()]
        lines = [self.title, ""]
        for row in (self.columns, ["-" * width for width in widths], *self.rows):
            cells = [
                row[0].ljust(widths[0]),
                *(row[i].rjust(widths[i]) for i in self._indices()[1:]),
            ]
            lines.append("  ".join(cells).rstrip())
        return "\n".join([*lines, *([self.note] if self.note else [])]) + "\n"

    def markdown(self) -> str:
        marks = ["---", *("---:" for _ in self.columns[1:])]
        lines = ["| " + " | ".join(row) + " |" for row in (self.columns, marks, *self.rows)]
        return "\n".join([f"**{self.title}**", "", *lines, *(["", self.note] if self.note else [])])

    def _indices(self) -> range:
        return range(len(self.columns))


@dataclass(frozen=True, slots=True)
class Bar:
    """What was promised, and what came out."""

    promise: str
    measured: str
    held: bool


@dataclass(frozen=True, slots=True)
class Report:
    question: str  # the module's name
    tables: Sequence[Table]
    bars: Sequence[Bar] = ()
    data: dict[str, Any] = field(default_factory=dict)  # figures for plots, and for other questions

    def publish(self) -> None:
        """Print it, and keep it in bench/results/ with what it was measured on."""
        for table in self.tables:
            print(table.text())
        for bar in self.bars:
            print(f"{'held  ' if bar.held else 'MISSED'}  {bar.promise}: {bar.measured}")
        RESULTS.mkdir(exist_ok=True)
        file = RESULTS / f"{self.question}.json"
        file.write_text(json.dumps({**asdict(self), **circumstances()}, indent=1) + "\n")


def read(question: str) -> dict[str, Any]:
    """The figures of another question's last run. Raises FileNotFoundError: run it first."""
    found: dict[str, Any] = json.loads((RESULTS / f"{question}.json").read_text())
    return found


def circumstances() -> dict[str, str]:
    """When, on what, and of which commit."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{_cpus()}, {platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "commit": _commit(),
    }


def _commit() -> str:
    """With -dirty behind it where the code is not the commit's. Results and pages do not count:
    the question before this one has just written some."""
    changed = _git(
        "status", "--porcelain", "--untracked-files=no", ":!bench/results", ":!docs", ":!*.md"
    )
    return _git("rev-parse", "--short=7", "HEAD") + ("-dirty" if changed else "")


def _cpus() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # macOS
        return f"{os.cpu_count()} x {platform.processor()}"
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(models)} x {models[0]}" if models else "unknown processor"


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()
