"""`counter load` on the embedded AWS, beside the value in its table."""

import json
import subprocess
import sys

import pytest

from counter_service.paths import ROOT

from .conftest import Product, eventually

CLIENTS, CLICKS = 500, 5


# The emulator takes a few milliseconds of CPU for each connect and each post, one after the other.
@pytest.mark.timeout(300)
def test_load_with_500_clients_agrees_with_the_server(product: Product) -> None:
    before, rows = product.stored_value(), product.connection_ids()
    words = [product.url, "--clients", str(CLIENTS), "--clicks", "1", "--seconds", str(CLICKS)]
    done = subprocess.run(
        [sys.executable, "-m", "counter_service.cli", "load", *words, "--json"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    assert result["clicks"]["acknowledged"] == CLICKS
    assert result["value"]["growth"] == product.stored_value() - before == CLICKS
    assert result["seconds"]["click to everyone"]["count"] == CLICKS
    assert result["messages"]["received"] > CLIENTS * CLICKS
    assert result["violations"] == []
    eventually(lambda: product.connection_ids() <= rows, 60)  # no load for the tests that follow
