import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from counter_service.runtime import logs

pytestmark = pytest.mark.usefixtures("package_logger")

log = logging.getLogger("counter_service.runtime.somewhere")


def printed(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capsys.readouterr()
    assert captured.err == ""
    return [json.loads(line) for line in captured.out.splitlines()]


def test_log_lines_are_json_objects_with_the_extra_fields(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure()
    before = datetime.now(UTC).replace(microsecond=0)
    log.info("increment", extra={"value": 42, "error": None, "cause": ValueError("odd")})
    log.warning("%d of %d", 1, 2)
    first, second = printed(capsys)
    assert before <= datetime.fromisoformat(first.pop("timestamp")) <= datetime.now(UTC)
    assert first == {
        "level": "INFO",
        "logger": "counter_service.runtime.somewhere",
        "message": "increment",
        "value": 42,
        "error": None,
        "cause": "odd",
    }
    assert (second["level"], second["message"]) == ("WARNING", "1 of 2")
    assert len(second) == 4


def test_log_line_contains_line_breaks_and_the_exception(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure()
    try:
        raise ValueError("odd")
    except ValueError:
        log.exception('two\nlines and "quotes"\u2028')
    [entry] = printed(capsys)
    assert entry["message"] == 'two\nlines and "quotes"\u2028'
    assert entry["exception"].startswith("Traceback")
    assert entry["exception"].endswith("ValueError: odd")


def test_log_contains_debug_messages_only_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    log.debug("hidden")
    logs.configure(logging.DEBUG)
    log.debug("shown")
    assert [entry["message"] for entry in printed(capsys)] == ["shown"]


def test_log_writes_each_line_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a second configuration nor the root logger's handler, which Lambda adds, doubles
    it."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler()])
    logs.configure()
    logs.configure()
    log.error("once")
    assert [entry["message"] for entry in printed(capsys)] == ["once"]
