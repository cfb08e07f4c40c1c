"""The product and the README's client, for a person whose proxy has no exceptions."""

import os
import re
import subprocess
from pathlib import Path

from counter_service.paths import ROOT
from tests.proxies import behind_a_dead_proxy

from .conftest import Product, eventually, running


def test_local_run_starts_behind_a_dead_proxy(tmp_path: Path) -> None:
    with running(tmp_path, environ=behind_a_dead_proxy(os.environ)) as product:
        assert product.process.poll() is None


def test_client_of_the_readme_clicks_behind_a_dead_proxy(product: Product, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^\$ (.*bin/websockets) ws:\S+$", readme, re.MULTILINE)
    terminal = tmp_path / "terminal.txt"
    with terminal.open("w", encoding="utf-8") as output:
        client = subprocess.Popen(
            ["sh", "-c", f"{line} {product.url}"],
            cwd=ROOT,
            env=behind_a_dead_proxy(os.environ),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            encoding="utf-8",
        )
    with client:
        assert client.stdin
        client.stdin.write('{"action":"increment"}\n')
        client.stdin.flush()
        eventually(lambda: "counter-update" in terminal.read_text(encoding="utf-8"))
        client.stdin.close()
