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


def test_writes_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    before = datetime.now(UTC).replace(microsecond=0)
    log.info("connect")
    log.warning("%d of %d", 1, 2)
    first, second = printed(capsys)
    assert before <= datetime.fromisoformat(first.pop("timestamp")) <= datetime.now(UTC)
    assert first == {
        "level": "INFO",
        "logger": "counter_service.runtime.somewhere",
        "message": "connect",
    }
    assert (second["level"], second["message"]) == ("WARNING", "1 of 2")


def test_adds_the_extra_fields(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    log.info("increment", extra={"value": 42, "error": None, "cause": ValueError("odd")})
    [entry] = printed(capsys)
    assert (entry["value"], entry["error"], entry["cause"]) == (42, None, "odd")


def test_keeps_an_exception_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    try:
        raise ValueError("odd")
    except ValueError:
        log.exception("failed")
    [entry] = printed(capsys)
    assert entry["message"] == "failed"
    assert entry["exception"].startswith("Traceback")
    assert entry["exception"].endswith("ValueError: odd")


def test_keeps_line_breaks_on_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    log.info('two\nlines and "quotes"\u2028')
    assert [entry["message"] for entry in printed(capsys)] == ['two\nlines and "quotes"\u2028']


def test_is_quiet_about_details_unless_asked(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure()
    log.debug("hidden")
    logs.configure(logging.DEBUG)
    log.debug("shown")
    assert [entry["message"] for entry in printed(capsys)] == ["shown"]


def test_does_not_repeat_itself(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither when configured twice nor through the handler that Lambda gives the root logger."""
    logs.configure()
    root = logging.getLogger()
    lambdas = logging.StreamHandler()
    root.addHandler(lambdas)
    try:
        logs.configure()
        log.error("once")
    finally:
        root.removeHandler(lambdas)
    assert [entry["message"] for entry in printed(capsys)] == ["once"]
