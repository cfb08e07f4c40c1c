"""The page's own lint rules reject what supported browsers lack and what translators break."""

import subprocess
from pathlib import Path

import pytest

from counter_service.toolchain import node
from counter_service.toolchain.places import ROOT

WEB = ROOT / "web"


def lint(path: Path, source: str) -> str:
    """The output of oxlint for a file of src/ with this source."""
    (path / "src").mkdir()
    file = path / "src" / "example.tsx"
    file.write_text(source, encoding="utf-8")
    config = path / ".oxlintrc.json"
    text = (WEB / ".oxlintrc.json").read_text(encoding="utf-8")
    config.write_text(text.replace('"./browsers/', f'"{WEB}/browsers/'), encoding="utf-8")
    done = subprocess.run(
        [WEB / "node_modules" / ".bin" / "oxlint", "--config", config, file],
        cwd=path,
        env=node.environ(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("URL.canParse('x')", "URL.canParse"),
        ("[2, 1].toSorted()", "toSorted"),
        ("new DisposableStack()", "DisposableStack"),
    ],
)
def test_lint_rejects_a_function_that_a_supported_browser_lacks(
    tmp_path: Path, source: str, missing: str
) -> None:
    assert f"lacks {missing}." in lint(tmp_path, f"export const value = {source};\n")


def test_lint_accepts_functions_that_all_supported_browsers_have(tmp_path: Path) -> None:
    source = "export const value = [new URL('x:').href, structuredClone([1]).at(-1)];\n"
    assert "page(" not in lint(tmp_path, source)


@pytest.mark.parametrize(
    "children", ["+{count} pending", '{count > 0 && "many"}<b>now</b>', "{`${count}`} clicks"]
)
def test_lint_rejects_text_beside_other_children(tmp_path: Path, children: str) -> None:
    source = f"export const shown = (count: number) => <p>{children}</p>;\n"
    assert "page(wrapped-text)" in lint(tmp_path, source)


def test_lint_accepts_the_only_text_of_an_element(tmp_path: Path) -> None:
    source = "export const shown = (count: number) => <p>{`${count} pending`}</p>;\n"
    assert "page(" not in lint(tmp_path, source)
