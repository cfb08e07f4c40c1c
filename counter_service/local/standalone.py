"""`python -m counter_service.local.standalone`: runs only the embedded AWS, on a fixed port.

`pulumi up --stack local` deploys into it (docs/operations.md).
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Final, NoReturn

import pulumi

from counter_service.paths import ROOT
from counter_service.program import stack_config

from .emulator import EVERY_SERVICE, MiniStack, isolate
from .errors import Interrupted, LocalError, interrupt_on_signals

STACK: Final = "local"


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    interrupt_on_signals()
    try:
        run(arguments.port, arguments.folder)
    except Interrupted:
        print("\nStopped. What was deployed into it is gone, so remove its Pulumi state too.")
        return 0
    except (LocalError, pulumi.RunError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1


def run(port: int, folder: Path) -> NoReturn:
    """Run until something raises LocalError, pulumi.RunError or Interrupted."""
    isolate(os.environ)
    region = stack_config(STACK).get("aws:region", "")
    with MiniStack(region, folder, port=port, services=EVERY_SERVICE) as emulator:
        print(f"The embedded AWS answers on {emulator.endpoint}. Ctrl-C stops it.", flush=True)
        emulator.watch()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m counter_service.local.standalone", description=__doc__
    )
    parser.add_argument(
        "--port", type=int, required=True, help="the one that Pulumi.local.yaml names"
    )
    parser.add_argument(
        "--folder", type=Path, default=ROOT / ".local" / "emulator", help="where the logs go"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
