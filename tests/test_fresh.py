"""The parts of `make test-fresh` that need no root."""

import os
import shutil
from pathlib import Path

import pytest

from tests.fresh.__main__ import main
from tests.fresh.system import NEWCOMER, System, inherited


def test_fresh_system_inherits_only_the_network() -> None:
    proxy = {"HTTPS_PROXY": "http://proxy"}
    assert inherited({**proxy, "HOME": "/home/me", "PIP_USER": "1"}) == proxy
    words = System("trixie", Path("/system")).command("make", "run", user=NEWCOMER)
    assert words[words.index("env") + 1] == "-i"
    assert "--userspec=1000:1000" in words
    assert words[-2:] == ["make", "run"]


@pytest.mark.parametrize(
    ("user", "problem"),
    [
        (1000, "A clean system needs root: run sudo make test-fresh."),
        (0, "A clean system needs debootstrap: run apt-get install debootstrap."),
    ],
)
def test_fresh_system_names_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], user: int, problem: str
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert main(["trixie"]) == 2
    assert capsys.readouterr().err == f"error: {problem}\n"
