"""`python -m counter_service.local.standalone`: runs only the embedded AWS, on a fixed port.

`pulumi up --stack local` deploys into it (docs/operations.md).
"""

from .parent import begin

if __name__ == "__main__":
    begin()

import argparse
import os
import sys
from pathlib import Path
from typing import Final, NoReturn

from counter_service.paths import ROOT
from counter_service.program import stack_config

from .emulator import EVERY_SERVICE, MiniStack
from .environment import isolate
from .errors import command, interrupt_on_signals
from .folder import naming, owned

STACK: Final = "local"
ANOTHER: Final = "make emulator FOLDER=.local/another EMULATOR_PORT=4567"


def main(argv: list[str] | None = None) -> int:
    """Run `make emulator`'s command line, and return the exit code of the process."""
    arguments = _parser().parse_args(argv)
    interrupt_on_signals()
    return command(
        lambda: run(arguments.port, arguments.folder),
        "Stopped. What was deployed into it is gone, so remove its Pulumi state too.",
    )


def run(port: int, folder: Path) -> NoReturn:
    """Run until something raises LocalError, OSError or Interrupted."""
    isolate(os.environ)
    region = stack_config(STACK).get("aws:region", "")
    with (
        owned(folder, ANOTHER) as note,
        MiniStack(region, folder, port=port, services=EVERY_SERVICE) as emulator,
    ):
        note(emulator.endpoint)
        with naming("standard output"):
            print(f"The embedded AWS listens on {emulator.endpoint}. Ctrl-C stops it.", flush=True)
        emulator.watch()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m counter_service.local.standalone", description=__doc__
    )
    parser.add_argument(
        "--port", type=int, required=True, help="the port that Pulumi.local.yaml names"
    )
    parser.add_argument(
        "--folder", type=Path, default=ROOT / ".local" / "emulator", help="folder of the logs"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
