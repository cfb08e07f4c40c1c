"""Which files are uploaded, how each is served, and which are refused."""

from pathlib import Path

import pulumi
import pytest

from counter_service.infra import site_files
from counter_service.program import run_program, stack_config
from counter_service.toolchain import page as toolchain_page
from counter_service.toolchain.errors import ToolchainError

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


def test_an_outdated_page_is_built_and_announced(
    web: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    announced: list[str] = []
    monkeypatch.setattr(pulumi, "info", announced.append)
    monkeypatch.setattr(toolchain_page, "build", page.build)
    (web / "dist/index.html").unlink()
    assert site_files.built(web)
    assert announced == ["Building the page, because web/dist has no index.html."]


def test_a_page_that_cannot_be_built_is_a_sentence_and_registers_nothing(
    web: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(_web: Path) -> None:
        raise ToolchainError("npm cannot install the packages.")

    monkeypatch.setattr(pulumi, "info", lambda _: None)
    monkeypatch.setattr(toolchain_page, "build", build)
    monkeypatch.setattr(site_files, "WEB", web)
    recorder = Recorder()
    (web / "dist/index.html").unlink()
    with pytest.raises(pulumi.RunError) as raised:
        run_program(recorder, "dev", stack_config("dev"))
    assert str(raised.value) == (
        "The page is not built: web/dist has no index.html. npm cannot install the packages. "
        "Then run make build."
    )
    assert recorder.graph.resources == []


def test_without_a_website_no_build_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site_files, "WEB", tmp_path)
    recorder = Recorder()
    run_program(recorder, "dev", stack_config("dev") | {"counter-service:website": "false"})
    assert recorder.graph.resources
