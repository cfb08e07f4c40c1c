"""Which files are uploaded, how each is served, and which builds are refused."""

from pathlib import Path

import pulumi
import pytest

from counter_service.infra import site_files
from counter_service.local.program import run_program, stack_config

from . import page
from .recorder import Recorder


@pytest.fixture
def web(tmp_path: Path) -> Path:
    return page.build(tmp_path / "web")


def test_every_file_of_the_build_but_the_stamp(web: Path) -> None:
    files = site_files.built(web)
    assert [file.key for file in files] == sorted(page.BUILT)
    assert {file.key: file.path.read_text() for file in files} == page.BUILT


def test_only_hashed_names_are_kept(web: Path) -> None:
    assert {file.key: file.cache_control for file in site_files.built(web)} == {
        "assets/index-BkQ_4f-x.css": "public, max-age=31536000, immutable",
        "assets/index-RP0Vahn5.js": "public, max-age=31536000, immutable",
        "favicon.svg": "no-cache",
        "index.html": "no-cache",
    }


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("index.html", "text/html; charset=utf-8"),
        ("assets/a-12345678.js", "text/javascript; charset=utf-8"),
        ("assets/a-12345678.css", "text/css; charset=utf-8"),
        ("config.json", "application/json"),
        ("favicon.svg", "image/svg+xml"),
        ("favicon.ico", "image/x-icon"),
        ("robots.txt", "text/plain; charset=utf-8"),
        ("a.png", "image/png"),
        ("a.webp", "image/webp"),
    ],
)
def test_content_types(name: str, content_type: str) -> None:
    assert site_files.content_type(name) == content_type


@pytest.mark.parametrize(
    ("built", "sentence"),
    [
        ("clip.xyz", "web/dist/clip.xyz has no known content type: add .xyz to CONTENT_TYPES"),
        ("CNAME", "web/dist/CNAME has no known content type: add a suffix to CONTENT_TYPES"),
        (".DS_Store", "web/dist/.DS_Store has no known content type"),
        ("config.json", "web/dist/config.json is written at deploy time"),
        ("assets/logo.png", "web/dist/assets/logo.png would be cached for a year, but has no hash"),
    ],
)
def test_a_file_that_cannot_be_served_right_is_named(web: Path, built: str, sentence: str) -> None:
    page.write(web / "dist", {built: "x"})
    with pytest.raises(pulumi.RunError) as raised:
        site_files.built(web)
    assert str(raised.value).startswith(sentence)


@pytest.mark.parametrize(
    "name",
    ["src/main.tsx", "src/new/file.ts", "public/favicon.svg", "index.html", "package-lock.json"],
)
def test_a_source_that_changed_is_named(web: Path, name: str) -> None:
    page.write(web, {name: "changed"})
    with pytest.raises(pulumi.RunError, match=rf"than web/{name} is now\. Run make build\.$"):
        site_files.built(web)


def test_a_source_that_went_is_named(web: Path) -> None:
    (web / "src/main.tsx").unlink()
    with pytest.raises(pulumi.RunError, match=r"than web/src/main\.tsx is now"):
        site_files.built(web)


@pytest.mark.parametrize("stamp", [None, "", "{", "{}", "[]", "7", '{"sources": 7}'])
def test_a_build_that_does_not_say_of_what_is_refused(web: Path, stamp: str | None) -> None:
    path = web / "dist/.build.json"
    path.unlink() if stamp is None else path.write_text(stamp)
    with pytest.raises(pulumi.RunError, match="Run make build"):
        site_files.built(web)


def test_a_build_for_one_address_is_refused(tmp_path: Path) -> None:
    web = page.build(tmp_path, web_socket_url="ws://127.0.0.1:8080")
    with pytest.raises(pulumi.RunError) as raised:
        site_files.built(web)
    assert str(raised.value) == (
        "The page in web/dist connects to ws://127.0.0.1:8080 in every stack, since it was built "
        "with VITE_WEBSOCKET_URL. Run make build."
    )


@pytest.mark.parametrize("name", ["README.md", "tests/a.test.ts", "src/.main.tsx.swp", ".env"])
def test_what_is_not_in_a_build_does_not_matter(web: Path, name: str) -> None:
    page.write(web, {name: "x"})
    assert site_files.built(web)


def test_times_do_not_matter(web: Path) -> None:
    page.write(web, page.SOURCES)  # as a fresh clone has them: newer, and the same
    assert site_files.built(web)


def test_without_a_build_nothing_is_registered(web: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site_files, "WEB", web)
    recorder = Recorder()
    (web / "dist/index.html").unlink()
    with pytest.raises(pulumi.RunError) as raised:
        run_program(recorder, "dev", stack_config("dev"))
    assert str(raised.value) == (
        "The page is not built: web/dist has no index.html. Run make build."
    )
    assert recorder.graph.resources == []


def test_with_an_old_build_nothing_is_registered(
    web: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site_files, "WEB", web)
    recorder = Recorder()
    page.write(web, {"src/main.tsx": "changed"})
    with pytest.raises(pulumi.RunError, match="Run make build"):
        run_program(recorder, "dev", stack_config("dev"))
    assert recorder.graph.resources == []


def test_without_a_website_no_build_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site_files, "WEB", tmp_path)
    recorder = Recorder()
    run_program(recorder, "dev", stack_config("dev") | {"counter-service:website": "false"})
    assert recorder.graph.resources
