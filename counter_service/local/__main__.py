"""`python -m counter_service.local`: runs the whole product on this machine."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pulumi

from counter_service.paths import ROOT
from counter_service.program import qualified, stack_config

from .deployment import deploy
from .emulator import HOST, MiniStack, isolate
from .errors import Interrupted, LocalError, interrupt_on_signals
from .overrides import allowed_origins, with_local_overrides
from .site import Site


def main(argv: list[str] | None = None) -> int:
    interrupt_on_signals()
    try:
        run(_parser().parse_args(argv))
    except Interrupted:
        print("\nStopped.")
        return 0
    except (LocalError, pulumi.RunError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return 0


def run(arguments: argparse.Namespace) -> NoReturn:
    """Run until something raises LocalError, pulumi.RunError or Interrupted."""
    isolate(os.environ)
    config = stack_config(arguments.stack) | dict(arguments.config)
    for key in ("aws:endpoints", "emulator:webSocketBaseUrl"):
        config.pop(key, None)  # they belong to another emulator
    with (
        closing(Site(arguments.site, arguments.port, arguments.host)) as site,
        MiniStack(config.get("aws:region", ""), arguments.outputs.parent) as emulator,
    ):
        config = with_local_overrides(config, site.url)
        deployment = deploy(emulator, arguments.stack, config, site.url)
        emulated = deployment.outputs["WebSocketApiEndpoint"]
        with ExitStack() as ending:
            url = ending.enter_context(site.serving(emulated, allowed_origins(config)))
            outputs = deployment.outputs | {
                "WebsiteUrl": f"{site.url}/realtime-counter",
                "WebSocketApiEndpoint": url,
            }
            ending.enter_context(_published(arguments.outputs, outputs))
            if site.exposed:
                print(_exposure(arguments.host), file=sys.stderr, flush=True)
            print(
                _banner(outputs, _shown(emulator.function_log), deployment.unsupported),
                flush=True,
            )
            emulator.watch()


@contextmanager
def _published(path: Path, outputs: dict[str, Any]) -> Iterator[None]:
    # Written atomically once the stack is ready and removed on exit, so that readers can trust it.
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(outputs, indent=2) + "\n")
    draft.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


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
    """The path to paste: relative if it is in the current folder."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m counter_service.local", description=__doc__)
    parser.add_argument("--stack", default="dev", help="whose configuration to use (default: dev)")
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
        "--host", default=HOST, help="where the page is served (default: this machine only)"
    )
    parser.add_argument("--site", type=Path, default=ROOT / "web" / "dist", help="the built page")
    parser.add_argument(
        "--outputs",
        type=Path,
        default=ROOT / ".local" / "outputs.json",
        help="where to write the stack's outputs while it runs",
    )
    return parser


def _key_and_value(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE: try throttleRate=10")
    return qualified(key), value


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        # Not an error of argparse, which would add the usage of a command that make has hidden.
        raise LocalError(f"PORT={text} is not a port. Use a number from 0 to 65535.")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
