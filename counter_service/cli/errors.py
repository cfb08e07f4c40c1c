"""How a command ends: its exit code, and the error that it reports."""

from enum import IntEnum
from typing import Final


class ExitCode(IntEnum):
    """The exit codes, which `counter --help` lists."""

    OK = 0
    PROBLEM = 1
    USAGE = 2
    UNREACHABLE = 3
    INTERRUPTED = 130  # 128 + SIGINT, as shells write it
    BROKEN_PIPE = 141  # 128 + SIGPIPE


MEANINGS: Final = {
    ExitCode.OK: "The command did its work, and found no problem.",
    ExitCode.PROBLEM: "It found a problem, which it shows.",
    ExitCode.USAGE: "An argument is wrong, or no counter is named.",
    ExitCode.UNREACHABLE: "The counter cannot be reached, or refuses to connect.",
    ExitCode.INTERRUPTED: "Ctrl-C ended it.",
    ExitCode.BROKEN_PIPE: "The program that reads its output has ended.",
}


class CliError(Exception):
    """Ends the command with one line on standard error.

    Args:
        sentences: What is wrong and what to do.
    """

    exit_code = ExitCode.PROBLEM

    def __init__(self, sentences: str) -> None:
        super().__init__(sentences)


class UsageError(CliError):
    """An argument or an option is wrong, or something that the command needs is not named."""

    exit_code = ExitCode.USAGE


class UnreachableError(CliError):
    """The counter cannot be reached, or refuses the connection."""

    exit_code = ExitCode.UNREACHABLE
