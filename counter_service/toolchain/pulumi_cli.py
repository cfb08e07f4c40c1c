"""Finds the Pulumi CLI on PATH or below `.toolchain/`, or installs it, and runs it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NoReturn

from . import processes
from .errors import ToolchainError
from .pulumi_install import install, installed, version_of
from .settings import without_proxy_for_loopback
from .uv import reason

# The first version with the option `toolchain` of the Python runtime, which Pulumi.yaml sets.
MINIMUM: Final = (3, 120, 0)

HOW_TO_GET_IT: Final = """\
Get it with one of
  curl -fsSL https://get.pulumi.com | sh      (Linux, macOS)
  brew install pulumi/tap/pulumi              (Homebrew)
or see https://www.pulumi.com/docs/install/, then run this again."""
LET_US_INSTALL_IT: Final = "With YES=1 this command installs it into .toolchain/pulumi."

QUESTION: Final = """\
{problem}
Install it into .toolchain/pulumi, from Pulumi's npm package or else built with Go? [Y/n] """


def find(root: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Find the Pulumi CLI, or install it with the user's consent.

    Args:
        root: The repository's root.
        environ: PATH, and YES=1 to install without a question.

    Returns:
        An executable that runs.

    Raises:
        ToolchainError: There is no CLI, and it could not be installed, or the user declined.
    """
    try:
        return existing(root, environ)
    except ToolchainError as missing:
        problem = str(missing)
    if not _wanted(problem, environ):
        raise ToolchainError(f"{problem} {HOW_TO_GET_IT}\n{LET_US_INSTALL_IT}")
    try:
        return install(root, environ)
    except ToolchainError as error:
        raise ToolchainError(f"{error} {HOW_TO_GET_IT}") from None


def existing(root: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Find the Pulumi CLI without installing it.

    Args:
        root: The repository's root.
        environ: PATH, and whatever the CLI reads.

    Returns:
        An executable that runs.

    Raises:
        ToolchainError: There is none.
    """
    on_path = shutil.which("pulumi", path=environ.get("PATH", os.defpath))
    problem = "The Pulumi CLI is not installed."
    if on_path:
        version = version_of(Path(on_path), environ)
        if version and version >= MINIMUM:
            return Path(on_path)
        problem = (
            f"{on_path} is Pulumi {_dotted(version)}, and {_dotted(MINIMUM)} or newer is needed."
            if version
            else f"{on_path} does not run: `pulumi version` failed."
        )
    if pulumi := installed(root, environ):
        return pulumi
    raise ToolchainError(problem)


def ask(root: Path, arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> str:
    """Return what the Pulumi CLI prints, for a command that changes nothing.

    Args:
        root: The repository's root.
        arguments: The CLI's arguments.
        environ: PATH, and whatever the CLI reads.

    Raises:
        ToolchainError: There is no CLI, the command fails, or it does not end.
    """
    pulumi = existing(root, environ)
    quiet = {"PULUMI_SKIP_UPDATE_CHECK": "true"}
    command = f"pulumi {' '.join(arguments)}"
    try:
        done = processes.run(
            [pulumi, *arguments, "--non-interactive"],
            _cli_environ(pulumi, environ) | quiet,
            root,
            processes.SECONDS_TO_RESPOND,
        )
    except subprocess.TimeoutExpired as problem:
        raise ToolchainError(f"{command} did not end within {problem.timeout:g} seconds.") from None
    except OSError as problem:
        raise ToolchainError(f"{command} does not start: {problem.strerror}.") from None
    if done.returncode:
        raise ToolchainError(f"{command} failed: {reason(done.stderr)}.")
    return done.stdout


def run(root: Path, arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> NoReturn:
    """Replace this process with the Pulumi CLI, which then gets signals and the terminal itself.

    Args:
        root: The repository's root.
        arguments: The CLI's arguments.
        environ: PATH, and whatever the CLI reads.

    Raises:
        ToolchainError: There is no CLI.
    """
    _execute(find(root, environ), arguments, environ)


def require_confirmation(stack: str, yes: bool) -> None:
    """Fail if a deployment could not be confirmed.

    Args:
        stack: The stack's name.
        yes: Whether the deployment was confirmed in advance.

    Raises:
        ToolchainError: There is no terminal for Pulumi's question.
    """
    if not yes and not _is_terminal(sys.stdin, sys.stdout):
        raise ToolchainError(
            "A deployment asks for confirmation, and there is no terminal to ask on. "
            f"Deploy without the question with `make up STACK={stack} YES=1`."
        )


def up(root: Path, stack: str, yes: bool, environ: Mapping[str, str] = os.environ) -> int:
    """Select a stack, create it if it does not exist, and deploy it.

    Args:
        root: The repository's root.
        stack: The stack's name.
        yes: Deploy, and install the CLI if it is missing, without a question.
        environ: PATH, and whatever the CLI reads.

    Returns:
        The exit code of `pulumi stack select`, if it failed. Otherwise `pulumi up` replaces this
        process.

    Raises:
        ToolchainError: There is no CLI, or no terminal for its questions.
    """
    require_confirmation(stack, yes)
    interaction = ["--non-interactive"] if yes else []
    pulumi = find(root, {**environ, "YES": "1"} if yes else environ)
    select = [str(pulumi), "stack", "select", "--create", stack, *interaction]
    code = subprocess.call(select, env=_cli_environ(pulumi, environ))
    if code == 0:
        confirmed = ["--yes"] if yes else []
        _execute(pulumi, ["up", "--stack", stack, *confirmed, *interaction], environ)
    return code


def _execute(pulumi: Path, arguments: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    environment = _cli_environ(pulumi, environ)
    os.execve(pulumi, [str(pulumi), *arguments], environment)  # noqa: S606  # without a shell


def _cli_environ(pulumi: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The caller's environment; PATH begins with the CLI's folder, where its language hosts are."""
    path = f"{pulumi.parent}{os.pathsep}{environ.get('PATH', os.defpath)}"
    return {**environ, **without_proxy_for_loopback(environ), "PATH": path}


def _wanted(problem: str, environ: Mapping[str, str]) -> bool:
    if environ.get("YES") == "1":
        return True
    if not _is_terminal(sys.stdin, sys.stderr):
        return False
    sys.stderr.write(QUESTION.format(problem=problem))
    sys.stderr.flush()
    # An empty line accepts the default. The end of the input, which has no line break, declines.
    return sys.stdin.readline().lower() in ("\n", "y\n", "yes\n")


def _is_terminal(*streams: object) -> bool:
    return all(getattr(stream, "isatty", lambda: False)() for stream in streams)


def _dotted(version: Sequence[int]) -> str:
    return ".".join(str(part) for part in version)
