"""The parts of `make test-fresh` that need no root: what a clean system inherits, and refusals."""

import os
import shutil

import pytest

from tests.fresh import __main__ as fresh
from tests.fresh.system import NEWCOMER, System, inherited, missing


def test_fresh_system_inherits_only_the_network() -> None:
    assert inherited({"HTTPS_PROXY": "http://proxy", "HOME": "/home/me", "PIP_USER": "1"}) == {
        "HTTPS_PROXY": "http://proxy"
    }


def test_fresh_command_starts_from_an_empty_environment() -> None:
    words = System("trixie").command("make", "run", user=NEWCOMER)
    assert words[words.index("env") + 1] == "-i"
    assert "--userspec=1000:1000" in words
    assert words[-2:] == ["make", "run"]


def test_fresh_without_root_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert fresh.main(["trixie"]) == 2
    assert capsys.readouterr().err == (
        "error: A clean system needs root: run sudo make test-fresh.\n"
    )


def test_fresh_without_debootstrap_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert missing() == "A clean system needs debootstrap: run apt-get install debootstrap."
