"""Runs the toolchain's child processes, and shows their output only if they fail.

The children of `run` and `call` inherit the locks of `places`, so that a program which outlives a
killed set-up keeps holding them.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from .errors import ToolchainError

SECONDS_TO_RESPOND = 30.0
LINES_SHOWN = 5


def run(
    command: Sequence[str | Path],
    environ: Mapping[str, str],
    folder: Path | None = None,
    seconds: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, with its output captured. The caller looks at the exit code.

    Raises OSError when the program does not start, and subprocess.TimeoutExpired when it is killed
    because it takes longer than `seconds`.
    """
    return subprocess.run(
        command,
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        # Paths are in UTF-8 on nearly every machine, whatever LANG says.
        encoding="utf-8",
        errors="replace",
        timeout=seconds,
        check=False,
        close_fds=False,  # the child inherits the locks
    )


def ask(command: Sequence[str | Path], environ: Mapping[str, str]) -> str | None:
    """The output of a short command, or None if it fails or does not respond in time."""
    try:
        result = subprocess.run(
            command,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS_TO_RESPOND,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout if result.returncode == 0 else None


def call(
    command: Sequence[str | Path],
    problem: str,
    *,
    cwd: Path,
    environ: Mapping[str, str],
    seconds: float,
) -> None:
    """Run a command to its end. Its output is shown only if it fails.

    Args:
        command: The program and its arguments.
        problem: A clause that begins the error's text, such as "npm cannot install pulumi".
        cwd: The folder to run the command in.
        environ: The command's environment.
        seconds: Time after which the command is killed, with its children.

    Raises:
        ToolchainError: The command is not on PATH, takes too long, or fails.
    """
    program = shutil.which(str(command[0]), path=environ.get("PATH"))
    if program is None:
        raise ToolchainError(f"{problem}: there is no {command[0]} on PATH.")
    with tempfile.TemporaryFile(mode="w+", errors="replace", encoding="utf-8") as output:
        process = subprocess.Popen(
            [program, *command[1:]],
            cwd=cwd,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
            close_fds=False,  # the child inherits the locks
        )
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise ToolchainError(f"{problem} within {seconds:g} seconds.") from None
        finally:
            # A child that outlives the command, such as a download, would write into a folder that
            # is removed.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        output.seek(0)
        lines = [line for line in output.read().splitlines() if line.strip()]
    if code != 0:
        shown = "".join(f"\n  {line}" for line in lines[-LINES_SHOWN:])
        raise ToolchainError(f"{problem}. Its output ends with{shown}")
