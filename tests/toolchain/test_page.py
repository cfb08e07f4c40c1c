"""Which builds of the page are current, and how a new one replaces them."""

from pathlib import Path

import pytest

from counter_service.toolchain import page
from tests.infra import page as small


@pytest.fixture
def web(tmp_path: Path) -> Path:
    return small.build(tmp_path / "web")


def test_page_of_these_sources_is_current(web: Path) -> None:
    assert page.outdated(web) is None


def test_page_without_index_is_outdated(web: Path) -> None:
    (web / "dist/index.html").unlink()
    assert page.outdated(web) == "web/dist has no index.html"


@pytest.mark.parametrize(
    "name",
    ["src/main.tsx", "src/new/file.ts", "public/favicon.svg", "index.html", "package-lock.json"],
)
def test_page_is_outdated_by_a_changed_source(web: Path, name: str) -> None:
    small.write(web, {name: "changed"})
    assert page.outdated(web) == f"web/dist was built from other sources than web/{name} is now"


def test_page_is_outdated_by_a_removed_source(web: Path) -> None:
    (web / "src/main.tsx").unlink()
    assert str(page.outdated(web)).endswith("than web/src/main.tsx is now")


@pytest.mark.parametrize("stamp", [None, "", "{", "{}", "[]", "7", '{"sources": 7}'])
def test_page_that_does_not_name_its_sources_is_outdated(web: Path, stamp: str | None) -> None:
    path = web / "dist/.build.json"
    path.unlink() if stamp is None else path.write_text(stamp)
    assert page.outdated(web)


def test_page_for_one_address_is_outdated(tmp_path: Path) -> None:
    web = small.build(tmp_path, web_socket_url="ws://127.0.0.1:8080")
    assert page.outdated(web) == (
        "web/dist was built with VITE_WEBSOCKET_URL and connects to ws://127.0.0.1:8080 everywhere"
    )


@pytest.mark.parametrize("name", ["README.md", "tests/a.test.ts", "src/.main.tsx.swp", ".env"])
def test_page_is_not_outdated_by_files_outside_the_build(web: Path, name: str) -> None:
    small.write(web, {name: "x"})
    assert page.outdated(web) is None


def test_page_is_not_outdated_by_the_times_of_its_sources(web: Path) -> None:
    small.write(web, small.SOURCES)  # as a fresh clone has them: newer, and the same
    assert page.outdated(web) is None


def test_current_page_is_not_built_again(web: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "build", lambda _: pytest.fail("built"))
    page.ensure(web, lambda line: pytest.fail(line))
