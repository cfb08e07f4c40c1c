"""Measure the named questions, or all of them, and write the results into the documentation."""

import argparse
import sys

from . import publish
from .report import record
from .sink import SinkError


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = ", ".join(publish.QUESTIONS)
    parser.add_argument("questions", nargs="*", metavar="question", help=f"one of {names}")
    wanted = parser.parse_args().questions or list(publish.QUESTIONS)
    if unknown := [name for name in wanted if name not in publish.QUESTIONS]:
        parser.error(f"There is no question {', '.join(unknown)}. Choose from {names}.")
    try:
        for name in wanted:
            print(f"# {name}\n", flush=True)
            question = publish.QUESTIONS[name]
            rows = question.measure()
            record(name, rows)
            print(question.report(rows).text())
    except SinkError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return publish.main()


if __name__ == "__main__":
    sys.exit(main())
