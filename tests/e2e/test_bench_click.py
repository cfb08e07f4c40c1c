"""The benchmark of a click still runs: two stacks, ours and the usual handler in its place."""

import json
import subprocess
import sys

from counter_service.paths import ROOT


def test_a_click_reaches_everyone_on_both_stacks() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "bench.click_probe", "1", "3"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    samples = json.loads(done.stdout.splitlines()[-1])["3"]
    assert {name: len(runs) for name, runs in samples.items()} == {
        "ours": 1,
        "usual": 1,
        "floor": 1,
    }
    assert all(
        0 < run["answer"] <= run["everyone"] for run in (*samples["ours"], *samples["usual"])
    )
