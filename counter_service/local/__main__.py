"""`python -m counter_service.local`: runs the whole product on this machine."""

from .parent import begin

if __name__ == "__main__":
    begin()

import argparse
import os
import sys
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final, NoReturn

from counter_service.paths import ROOT
from counter_service.program import qualified
from counter_service.stack_files import config as stack_files

from .deployment import deploy
from .emulator import HOST, MiniStack
from .environment import isolate
from .errors import LocalError, command, interrupt_on_signals
from .folder import naming, owned, published
from .overrides import allowed_origins, naming_places, with_local_overrides
from .site import Site

ANOTHER: Final = "make run FOLDER=.local/another"


def main(argv: list[str] | None = None) -> int:
    """Run `make run`'s command line, and return the exit code of the process."""
    interrupt_on_signals()
    return command(lambda: run(_parser().parse_args(argv)), "Stopped.")


def run(arguments: argparse.Namespace) -> NoReturn:
    """Run until something raises LocalError, pulumi.RunError, OSError or Interrupted."""
    isolate(os.environ)
    file = stack_files.read(arguments.stack, ROOT)
    config = file.values | dict(arguments.config)
    for key in ("aws:endpoints", "emulator:webSocketBaseUrl"):
        config.pop(key, None)  # they belong to another emulator
    # The site is bound before the deployment, because the function must allow its origin.
    with (
        owned(arguments.folder, ANOTHER) as note,
        closing(Site(arguments.site, arguments.port, arguments.host)) as site,
        MiniStack(config.get("aws:region", ""), arguments.folder) as emulator,
    ):
        note(site.url)
        config = with_local_overrides(config, site.url)
        with naming_places(file.places, overridden=dict(arguments.config)):
            deployment = deploy(emulator, arguments.stack, config, site.url)
        emulated = deployment.outputs["WebSocketApiEndpoint"]
        with ExitStack() as cleanup:
            url = cleanup.enter_context(site.serving(emulated, allowed_origins(config)))
            outputs = deployment.outputs | {
                "WebsiteUrl": f"{site.url}/realtime-counter",
                "WebSocketApiEndpoint": url,
            }
            cleanup.enter_context(published(arguments.folder, outputs))
            banner = _banner(outputs, _shown(emulator.function_log), deployment.unsupported)
            with naming("standard output"):  # which may be a file on a full disk
                if site.exposed:
                    print(_exposure(arguments.host), file=sys.stderr, flush=True)
                print(banner, flush=True)
            emulator.watch()


def _banner(outputs: dict[str, Any], function_log: Path, unsupported: list[str]) -> str:
    lines = [
        "",
        "  The counter is running.",
        "",
        f"  Page       {outputs['WebsiteUrl']}",
        f"  WebSocket  {outputs['WebSocketApiEndpoint']}",
        f"  Function   tail -f {function_log}",
        "",
        "  Open the page in two tabs and click. Ctrl-C stops everything.",
    ]
    if unsupported:
        lines += ["", "  Declared but not created (not supported by the emulator):"]
        lines += [f"    {resource}" for resource in sorted(unsupported)]
    return "\n".join([*lines, ""])


def _exposure(host: str) -> str:
    return (
        f"warning: With HOST={host} every machine that reaches this one can open the page, connect "
        "and click. The embedded AWS stays on loopback."
    )


def _shown(path: Path) -> Path:
    """The path to print: relative if it is in the current folder."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m counter_service.local", description=__doc__)
    parser.add_argument(
        "--stack", default="dev", help="stack whose configuration is used (default: dev)"
    )
    parser.add_argument(
        "--config",
        type=_key_and_value,
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a key of Pulumi.yaml for this run, lists as JSON; may be repeated",
    )
    parser.add_argument(
        "--port", type=_port, default=0, help="the page's port (default: a free one)"
    )
    parser.add_argument(
        "--host",
        default=HOST,
        help="address that the page is served on (default: this machine only)",
    )
    parser.add_argument(
        "--site", type=Path, default=ROOT / "web" / "dist", help="folder of the built page"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=ROOT / ".local",
        help="folder of the logs and the stack's outputs; one run at a time uses it",
    )
    return parser


def _key_and_value(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE: try throttleRate=10")
    return qualified(key), value


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        # Not argparse's error, which would add the usage of a command that make does not show.
        raise LocalError(f"PORT={text} is not a port. Use a number from 0 to 65535.")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
