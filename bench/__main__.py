"""`python -m bench [question ...]`: the named ones, or all of them; then docs/performance.md."""

import argparse
import sys
from collections.abc import Callable
from typing import Final

from . import click, coalescing, cold_start, cost, fan_out, publish, shards
from .sink import SinkError

# In the order in which they are run: the cost needs the figures of those before it.
QUESTIONS: Final[dict[str, Callable[[], None]]] = {
    "fan_out": fan_out.main,
    "coalescing": coalescing.main,
    "shards": shards.main,
    "cold_start": cold_start.main,
    "click": click.main,
    "cost": cost.main,
}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("questions", nargs="*", metavar="question", help=", ".join(QUESTIONS))
    wanted = parser.parse_args(argv).questions or list(QUESTIONS)
    if unknown := [name for name in wanted if name not in QUESTIONS]:
        parser.error(f"no such question: {', '.join(unknown)}; there are {', '.join(QUESTIONS)}")
    try:
        for name in wanted:
            print(f"# {name}\n", flush=True)
            QUESTIONS[name]()
    except SinkError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return publish.main()


if __name__ == "__main__":
    sys.exit(main())
