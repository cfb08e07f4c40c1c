"""The page is built when web/dist is not a build of the sources in web/ as they are."""

from pathlib import Path

import pytest

from counter_service.toolchain import page
from tests.infra import page as small


@pytest.fixture
def web(tmp_path: Path) -> Path:
    return small.build(tmp_path / "web")


@pytest.mark.parametrize(
    "name",
    ["src/main.tsx", "src/new/file.ts", "public/favicon.svg", "index.html", "package-lock.json"],
)
def test_page_is_outdated_by_a_changed_source(web: Path, name: str) -> None:
    small.write(web, {name: "changed"})
    assert page.outdated(web) == f"web/dist does not match web/{name}"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("dist/index.html", "web/dist has no index.html"),
        ("dist/assets/index-RP0Vahn5.js", "web/dist has no assets/index-RP0Vahn5.js"),
        ("src/main.tsx", "web/dist does not match web/src/main.tsx"),
        ("dist/.build.json", "web/dist does not match web/index.html"),
    ],
)
def test_page_is_outdated_by_a_removed_file(web: Path, name: str, reason: str) -> None:
    (web / name).unlink()
    assert page.outdated(web) == reason


@pytest.mark.parametrize("stamp", ["{", "{}", "7", '{"sources": 7}'])
def test_page_without_its_sources_in_the_stamp_is_outdated(web: Path, stamp: str) -> None:
    (web / "dist/.build.json").write_text(stamp, encoding="utf-8")
    assert page.outdated(web)


def test_page_for_one_address_is_outdated(tmp_path: Path) -> None:
    web = small.build(tmp_path, web_socket_url="ws://127.0.0.1:8080")
    assert page.outdated(web) == (
        "web/dist was built with VITE_WEBSOCKET_URL and connects to ws://127.0.0.1:8080 everywhere"
    )


def test_current_page_is_not_built_again(web: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outside = ("README.md", "tests/a.test.ts", "src/.main.tsx.swp", ".env")
    # A fresh clone has newer times, and the same contents.
    small.write(web, {**small.SOURCES, **dict.fromkeys(outside, "x")})
    monkeypatch.setattr(
        page, "build", lambda _: pytest.fail("The page was built although it is current.")
    )
    page.ensure(web, lambda line: pytest.fail(line))
