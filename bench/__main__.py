"""Measure the named questions, or all of them, and write the results into the documentation."""

import argparse
import signal
import sys

from . import publish
from .errors import MachineError
from .report import record


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = ", ".join(publish.QUESTIONS)
    parser.add_argument("questions", nargs="*", metavar="question", help=f"one of {names}")
    wanted = parser.parse_args().questions or list(publish.QUESTIONS)
    if unknown := [name for name in wanted if name not in publish.QUESTIONS]:
        parser.error(f"There is no question {', '.join(unknown)}. Choose from {names}.")
    for each in (signal.SIGTERM, signal.SIGHUP):
        # Exit normally, as after Ctrl-C, so that child processes end and cgroups are removed.
        signal.signal(each, lambda *_: sys.exit(1))
    problems = []
    for name in wanted:
        print(f"# {name}\n", flush=True)
        question = publish.QUESTIONS[name]
        try:
            rows = question.measure()
        except MachineError as problem:
            problems.append(f"{name} was not measured. {problem}")
            continue
        record(name, rows)
        print(question.report(rows).text())
    publish.main()
    for line in problems:
        print(f"error: {line}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
