"""The clients of the fan-out's benchmark, which measure themselves."""

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

import pytest

from bench.clients import job


@pytest.mark.parametrize("warm", [True, False])
def test_warm_client_measures_the_second_of_two_equal_fan_outs(
    warm: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fan_outs: list[Sequence[str]] = []

    def connect(_: job.Job) -> Callable[[Sequence[str]], int]:
        def post_to_all(ids: Sequence[str]) -> int:
            fan_outs.append(ids)
            return len(ids)

        return post_to_all

    task = job.Job("https://127.0.0.1", "authority.pem", posts=3_000, warm=warm, concurrency=1)
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(asdict(task))))
    job.run(connect)
    assert fan_outs == [job.ids(3_000)] * (2 if warm else 1)
    assert json.loads(capsys.readouterr().out).keys() == {"cpu_us", "wall", "peak_mb"}
