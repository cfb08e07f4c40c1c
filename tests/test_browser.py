"""How the end-to-end tests start Chromium, on machines that this one is not."""

from pathlib import Path

import pytest

from tests.e2e.browser import can_sandbox

ROOT, PERSON = 0, 1000


def test_chromium_of_root_gets_no_sandbox(tmp_path: Path) -> None:
    assert not can_sandbox(ROOT, tmp_path / "missing")


def test_chromium_gets_a_sandbox_where_nothing_restricts_namespaces(tmp_path: Path) -> None:
    assert can_sandbox(PERSON, tmp_path / "missing")


@pytest.mark.parametrize(("content", "expected"), [("0\n", True), ("1\n", False)])
def test_chromium_gets_a_sandbox_only_where_apparmor_allows_namespaces(
    tmp_path: Path, content: str, expected: bool
) -> None:
    setting = tmp_path / "apparmor_restrict_unprivileged_userns"
    setting.write_text(content)
    assert can_sandbox(PERSON, setting) is expected
