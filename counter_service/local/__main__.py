"""`python -m counter_service.local`: the whole product on this machine until it is stopped."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pulumi

from counter_service.paths import ROOT
from counter_service.program import qualified, stack_config

from .access import for_here
from .deployment import deploy
from .emulator import Emulator, isolate
from .errors import LocalError
from .interrupt import Stopped, raise_stopped_on_signals
from .site import Site


def main(argv: list[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    raise_stopped_on_signals()
    try:
        run(arguments)
    except Stopped:
        print("\nStopped.")
        return 0
    except (LocalError, pulumi.RunError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return 0


def run(arguments: argparse.Namespace) -> NoReturn:
    """Raises LocalError, pulumi.RunError, or Stopped."""
    isolate(os.environ)
    config = stack_config(arguments.stack) | dict(arguments.config)
    config.pop("aws:endpoints", None)  # of another emulator: this run has its own
    with (
        closing(Site(arguments.site, arguments.port)) as site,
        Emulator(config.get("aws:region", ""), arguments.outputs.parent) as emulator,
    ):
        deployment = deploy(emulator, arguments.stack, for_here(config, site.url), site.url)
        outputs = deployment.outputs | {"WebsiteUrl": f"{site.url}/realtime-counter"}
        web_socket_url = outputs["WebSocketApiEndpoint"]
        with (
            site.serving({"webSocketUrl": web_socket_url}),
            _published(arguments.outputs, outputs),
        ):
            print(
                _banner(outputs, _shown(emulator.function_log), deployment.passed_through),
                flush=True,
            )
            emulator.watch()


@contextmanager
def _published(path: Path, outputs: dict[str, Any]) -> Iterator[None]:
    # Whoever finds the file may use what it says: it appears whole, when everything answers,
    # and goes with the run.
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps(outputs, indent=2) + "\n")
    draft.replace(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _banner(outputs: dict[str, Any], function_log: Path, passed_through: list[str]) -> str:
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
    if passed_through:
        lines += ["", "  Not emulated, so passed through:"]
        lines += [f"    {resource}" for resource in sorted(passed_through)]
    return "\n".join([*lines, ""])


def _shown(path: Path) -> Path:
    """As short as it can be pasted: relative where that is below the current folder."""
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
        help="a key of docs/configuration.md for this run, lists as JSON; may be repeated",
    )
    parser.add_argument(
        "--port", type=_port, default=0, help="the page's port (default: a free one)"
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
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: use a number from 0 to 65535")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
