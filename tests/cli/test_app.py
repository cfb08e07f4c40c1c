"""How `counter` shows its help, and how it ends."""

import errno
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest
import typer

from counter_service.cli import app as cli
from counter_service.cli import output
from counter_service.cli.errors import MEANINGS, CliError, ExitCode, UnreachableError, UsageError
from counter_service.paths import ROOT


def application(command: Callable[..., object]) -> typer.Typer:
    made = typer.Typer()
    made.callback()(lambda: None)
    made.command("work")(command)
    return made


def run(command: Callable[..., object], *arguments: str) -> int:
    return cli.run(["work", *arguments], application(command))


def raising(problem: BaseException) -> Callable[[], None]:
    def command() -> None:
        raise problem

    return command


def test_counter_shows_its_help_without_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([]) == ExitCode.OK
    without = capsys.readouterr().out
    assert cli.run(["--help"]) == ExitCode.OK
    assert capsys.readouterr().out == without
    assert "Usage: counter" in without


def test_help_documents_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    cli.run(["--help"])
    lines = re.findall(r"^ +• (\d+): (.+?) *$", capsys.readouterr().out, re.MULTILINE)
    assert lines == [(str(code.value), MEANINGS[code]) for code in ExitCode]


def test_help_imports_no_slow_package() -> None:
    script = (
        "import sys; from counter_service.cli.app import run; run(['--help']);"
        "print({'boto3', 'botocore', 'pulumi', 'websockets', 'asyncio'} & {*sys.modules})"
    )
    shown = subprocess.check_output([sys.executable, "-c", script], cwd=ROOT, encoding="utf-8")
    assert shown.splitlines()[-1] == "set()"


def test_command_returns_its_exit_code() -> None:
    assert run(lambda: None) == 0
    assert run(lambda: ExitCode.PROBLEM) == 1


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (CliError("The value is wrong. Correct it."), 1),
        (UsageError("The value is [wrong]. Correct it."), 2),
        (UnreachableError("The counter is away. " + "Start it. " * 20), 3),
    ],
)
def test_error_is_one_line_on_standard_error(
    problem: CliError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(raising(problem)) == code
    assert capsys.readouterr() == ("", f"error: {problem}\n")


def test_wrong_option_names_the_command_whose_help_to_read(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(lambda: None, "--wrong") == ExitCode.USAGE
    assert capsys.readouterr() == (
        "",
        "error: No such option: --wrong. See counter work --help.\n",
    )


def test_unknown_command_names_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["wrong"]) == ExitCode.USAGE
    assert capsys.readouterr().err == "error: No such command 'wrong'. See counter --help.\n"


def test_ctrl_c_ends_a_command_without_a_word(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(raising(KeyboardInterrupt())) == ExitCode.INTERRUPTED
    assert capsys.readouterr() == ("", "")


def test_an_unexpected_error_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        run(raising(ZeroDivisionError()))


def test_output_to_a_closed_pipe_ends_without_a_word() -> None:
    script = "from counter_service.cli import output\nwhile True: output.console().print('line')\n"
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == b"line\n"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == ExitCode.BROKEN_PIPE


def test_output_to_a_full_disk_is_an_error_of_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(sys.stdout, "write", fail)
    assert run(lambda: output.console().print("result")) == ExitCode.PROBLEM
    error = capsys.readouterr().err
    assert error == "error: The output cannot be written: No space left on device.\n"


def test_json_goes_to_standard_output_as_one_document(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.print_json({"sum": 1.5, "text": "[bold]" + "long " * 50})
    assert capsys.readouterr().out.startswith('{\n  "sum": 1.5,\n  "text": "[bold]long')


def test_text_is_printed_where_some_of_its_characters_are_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    script = "from counter_service.cli import output; output.console().print('1 µs [x] :smile:')"
    shown = subprocess.check_output(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, encoding="ascii"
    )
    assert shown == "1 ?s [x] :smile:\n"


def test_ctrl_c_while_counter_starts_ends_it_without_a_word() -> None:
    # The signal arrives while the modules are loaded.
    script = (
        "import os, signal, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'typer': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from counter_service.cli.__main__ import main\n"
        "sys.exit(main([]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
