"""`python -m tests.fresh RELEASE...`: the README's commands in clean Debian systems, as root."""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from websockets.sync.client import connect

from .system import NEWCOMER, ROOT, FreshError, System, installed, missing

REPOSITORY: Final = Path(__file__).resolve().parents[2]
READY_SECONDS: Final = 120.0
END_SECONDS: Final = 10.0
LOGS: Final = REPOSITORY / ".local" / "fresh"
VERSIONS: Final = (
    "import ensurepip, platform; print(platform.python_version(), ensurepip.version())"
)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fresh", description=__doc__)
    parser.add_argument(
        "releases", nargs="+", metavar="release", help="a Debian release, such as trixie"
    )
    parser.add_argument("--only", choices=STEPS, help="run only this one of the README's commands")
    arguments = parser.parse_args(argv)
    if problem := missing():
        print(f"error: {problem}", file=sys.stderr)
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT is ignored in a background job
        signal.signal(number, signal.default_int_handler)
    LOGS.mkdir(parents=True, exist_ok=True)
    code = 0
    try:
        for release in arguments.releases:
            with installed(release, LOGS / f"{release}-install.log") as system:
                python, pip = system.output("python3", "-c", VERSIONS).split()
                print(f"{release}: Python {python}, pip {pip}", flush=True)
                for step in [arguments.only] if arguments.only else STEPS:
                    try:
                        print(f"  make {step}: {STEPS[step](system):.0f} s", flush=True)
                    except FreshError as problem_there:
                        code = 1
                        print(f"error: {release}: {problem_there}", file=sys.stderr)
    except FreshError as problem_here:
        print(f"error: {problem_here}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def run(system: System) -> float:
    """Seconds from `make run`, by a user without rights, to the first acknowledged click.

    Raises FreshError when it is not acknowledged in time, or the command does not end on Ctrl-C.
    """
    system.clone(REPOSITORY, NEWCOMER)
    log = LOGS / f"{system.release}-run.log"
    began = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            system.command("make", "run", user=NEWCOMER),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            click(wait_for_outputs(system, process, began + READY_SECONDS, log))
            seconds = time.monotonic() - began
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does for Ctrl-C
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            raise FreshError(f"make run did not end on Ctrl-C: see {log}.") from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if seconds > READY_SECONDS:
        raise FreshError(f"make run took {seconds:.0f} s until the first click: see {log}.")
    return seconds


def test(system: System) -> float:
    """Seconds of `make test`, by root, who may install a browser. Raises FreshError if it fails."""
    system.clone(REPOSITORY, ROOT)
    log = LOGS / f"{system.release}-test.log"
    began = time.monotonic()
    with log.open("wb") as output:
        done = subprocess.run(
            system.command("make", "test"), stdout=output, stderr=subprocess.STDOUT, check=False
        )
    if done.returncode:
        raise FreshError(f"make test ended with {done.returncode}: see {log}.")
    return time.monotonic() - began


STEPS: Final[dict[str, Callable[[System], float]]] = {"run": run, "test": test}


def wait_for_outputs(
    system: System, process: subprocess.Popen[bytes], deadline: float, log: Path
) -> str:
    """The WebSocket URL, once the run is ready. Raises FreshError if it does not become ready."""
    outputs = system.checkout(NEWCOMER) / ".local" / "outputs.json"
    while not outputs.exists():
        if process.poll() is not None:
            raise FreshError(f"make run ended with {process.returncode}: see {log}.")
        if time.monotonic() > deadline:
            raise FreshError(f"make run was not ready after {READY_SECONDS:.0f} s: see {log}.")
        time.sleep(0.1)
    url: str = json.loads(outputs.read_text(encoding="utf-8"))["WebSocketApiEndpoint"]
    return url


def click(url: str) -> None:
    """Click once, as any client does. Raises FreshError unless the new value comes back."""
    with connect(url, proxy=None) as client:
        client.send('{"action":"increment"}')
        response = json.loads(client.recv(timeout=30))
    if response != {"type": "counter-update", "value": 1}:
        raise FreshError(f"The response to the first click was {response}.")


if __name__ == "__main__":
    sys.exit(main())
