"""Which files are uploaded, with which type, and which are refused."""

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


def test_site_files_are_the_built_files_except_the_stamp(web: Path) -> None:
    files = site_files.built(web)
    assert [file.key for file in files] == sorted(page.BUILT)
    assert {file.key: file.path.read_text(encoding="utf-8") for file in files} == page.BUILT


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
def test_a_file_has_the_content_type_of_its_suffix(name: str, content_type: str) -> None:
    assert site_files.content_type(name) == content_type


UNKNOWN_TYPE = "has no known content type. Add {} to CONTENT_TYPES in infra/site_files.py."
OVERWRITTEN = "would be overwritten, because the deployment writes that file. {}"
NOT_HASHED = "would be cached for a year, but its name has no hash. {}"


@pytest.mark.parametrize(
    ("built", "problem"),
    [
        ("clip.xyz", UNKNOWN_TYPE.format(".xyz")),
        ("CNAME", UNKNOWN_TYPE.format("a suffix")),
        (".DS_Store", UNKNOWN_TYPE.format("a suffix")),
        ("config.json", OVERWRITTEN.format("Remove it from web/public.")),
        ("assets/logo.png", NOT_HASHED.format("Move it out of web/public/assets.")),
    ],
)
def test_a_file_that_cannot_be_served_is_refused(web: Path, built: str, problem: str) -> None:
    page.write(web / "dist", {built: "x"})
    with pytest.raises(pulumi.RunError) as raised:
        site_files.built(web)
    assert str(raised.value) == f"web/dist/{built} {problem}"


def test_an_outdated_page_is_built_and_announced(
    web: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    announced: list[str] = []
    monkeypatch.setattr(pulumi, "info", announced.append)
    monkeypatch.setattr(toolchain_page, "build", page.build)
    (web / "dist/index.html").unlink()
    assert site_files.built(web)
    assert announced == ["Building the page, because web/dist has no index.html."]


def test_a_page_that_cannot_be_built_registers_nothing(
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


def test_a_stack_without_a_website_needs_no_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site_files, "WEB", tmp_path)
    recorder = Recorder()
    run_program(recorder, "dev", stack_config("dev") | {"counter-service:website": "false"})
    assert recorder.graph.resources
