"""`python -m tests.soak`: runs the product under faults for some minutes, and checks its history.

It starts the product as `make run` does. Between its clients and the product are proxies that cut,
delay and lose messages. The exit code is 1 if an invariant does not hold.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

from counter_service.cli.errors import UsageError
from counter_service.cli.load import open_files
from counter_service.history.invariants import examples, violations
from counter_service.local.environment import isolate
from counter_service.paths import ROOT
from tests.e2e import browser
from tests.e2e.conftest import running

from .driver import Soak, proxies
from .report import page, summary
from .run import Options, Run

# The client's, two of the proxy, and the emulator's.
SOCKETS_OF_A_CLIENT = 4
OTHER_FILES = 500


def main() -> int:
    arguments = _parser().parse_args()
    isolate(os.environ)
    try:
        files = arguments.storm * SOCKETS_OF_A_CLIENT + OTHER_FILES
        open_files.allow(files, "cut fewer sockets with --storm")
    except UsageError as problem:
        sys.exit(f"error: {problem}")
    tabs = arguments.tabs if browser.find() else 0
    if tabs < arguments.tabs:
        print("There is no Chromium, so no tab takes part.")
    options = Options(
        seconds=arguments.minutes * 60,
        clicks=arguments.clicks,
        clickers=arguments.clickers,
        window=arguments.window,
        listeners=arguments.listeners,
        tabs=tabs,
        storm=arguments.storm,
        seed=arguments.seed,
    )
    run = soak(options)
    broken = violations(run.recorder.history, run.stored)
    print(summary(run, options, broken))
    for line in examples(broken):
        print(line, file=sys.stderr)
    arguments.page.write_text(page(run, options, broken), encoding="utf-8")
    return 1 if broken else 0


def soak(options: Options) -> Run:
    async def run() -> Run:
        return await Soak(product, faulty, options, _print).run()

    with (
        tempfile.TemporaryDirectory() as scratch,
        running(Path(scratch)) as product,
        proxies(product) as faulty,
    ):
        return asyncio.run(run())


def _print(line: str) -> None:
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="longest, without the storm")
    parser.add_argument("--clicks", type=int, help="end after this many acknowledged clicks")
    parser.add_argument("--clickers", type=int, default=9, help="clients that click")
    parser.add_argument("--window", type=int, default=4, help="pending clicks of each of them")
    parser.add_argument("--listeners", type=int, default=3, help="clients that only listen")
    parser.add_argument("--tabs", type=int, default=2, help="Chromium tabs")
    parser.add_argument("--storm", type=int, default=1000, help="sockets to cut at once")
    parser.add_argument("--seed", type=int, default=1, help="seed of the faults")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "reliability.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
