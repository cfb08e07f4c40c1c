"""Proxy variables do not change how anything on this machine is reached."""

import os
import subprocess
import sys

import pytest

from counter_service.paths import ROOT
from counter_service.toolchain.settings import without_proxy_for_loopback
from tests.proxies import behind_a_dead_proxy


@pytest.mark.parametrize(
    ("environ", "hosts"),
    [
        ({}, "127.0.0.1,localhost"),
        ({"NO_PROXY": "internal.test, localhost"}, "internal.test,localhost,127.0.0.1"),
        ({"no_proxy": "a.test", "NO_PROXY": "b.test"}, "a.test,127.0.0.1,localhost"),
        ({"no_proxy": "*"}, "*"),
    ],
)
def test_loopback_is_added_to_the_hosts_without_a_proxy(
    environ: dict[str, str], hosts: str
) -> None:
    assert without_proxy_for_loopback(environ) == {"no_proxy": hosts, "NO_PROXY": hosts}


def test_tests_with_local_servers_pass_behind_a_dead_proxy() -> None:
    files = [
        *("tests/local/test_site.py", "tests/unit/auth/test_jwks.py"),
        "tests/toolchain/test_language_host.py",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *files],
        cwd=ROOT,
        env=behind_a_dead_proxy(os.environ),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout
