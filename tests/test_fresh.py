"""The parts of `make test-fresh` that need no root."""

from pathlib import Path

from tests.fresh.system import NEWCOMER, System, inherited


def test_fresh_system_inherits_only_the_network() -> None:
    proxy = {"HTTPS_PROXY": "http://proxy"}
    assert inherited({**proxy, "HOME": "/home/me", "PIP_USER": "1"}) == proxy
    words = System("trixie", Path("/system")).command("make", "run", user=NEWCOMER)
    assert words[words.index("env") + 1] == "-i"
    assert "--userspec=1000:1000" in words
    assert words[-2:] == ["make", "run"]
