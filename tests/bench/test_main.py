"""The command that measures: how it ends when it cannot."""

from pathlib import Path

import pytest

from bench import __main__ as command
from bench import sink


def test_bench_without_nginx_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sink, "MODULE", tmp_path / "none.so")
    assert command.main(["fan_out"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "error: The fan-out is measured with nginx and its JavaScript module, which this machine "
        "lacks. On Debian, run sudo apt install nginx-light libnginx-mod-http-js."
    )
