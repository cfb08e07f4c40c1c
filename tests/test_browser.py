"""The end-to-end tests start Chromium with a sandbox wherever the machine allows it."""

from pathlib import Path

import pytest

from tests.e2e.browser import can_sandbox


@pytest.mark.parametrize(
    ("user", "restricted", "expected"),
    [(0, None, False), (1000, None, True), (1000, "0\n", True), (1000, "1\n", False)],
)
def test_chromium_gets_a_sandbox_where_a_user_may_make_namespaces(
    tmp_path: Path, user: int, restricted: str | None, expected: bool
) -> None:
    setting = tmp_path / "apparmor_restrict_unprivileged_userns"
    if restricted is not None:
        setting.write_text(restricted, encoding="utf-8")
    assert can_sandbox(user, setting) is expected
