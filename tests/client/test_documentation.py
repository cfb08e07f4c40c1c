"""The example in docs/client.md."""

import re
import subprocess
import sys

from counter_service.paths import ROOT
from tests.gateway import Gateway

EXAMPLE_URL = "ws://127.0.0.1:8080/prod"


def test_example_of_the_documentation_runs() -> None:
    document = (ROOT / "docs/client.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```python\n(.*?)```", document, re.DOTALL)
    assert EXAMPLE_URL in example
    with Gateway() as gateway:
        program = subprocess.Popen(
            [sys.executable, "-u", "-c", example.replace(EXAMPLE_URL, gateway.url)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        with program:
            assert program.stdout
            assert program.stdout.readline() == "The counter is at 1.\n"
            program.terminate()
    assert gateway.counter.count == 1
