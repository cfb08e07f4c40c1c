"""The checkout works wherever it is, and the repository has the same files on every machine."""

import subprocess
from pathlib import Path

import pytest

from counter_service.toolchain.uv import base_python
from tests.toolchain import checkout as small
from tests.toolchain.checkout import ROOT, TOOLCHAIN, Checkout


@pytest.mark.parametrize(
    "name", ["a checkout", 'it\'s $HOME "100%" #1; `ls` & (x) * \\ ü 値', "-f"]
)
def test_make_runs_in_a_path_of_any_letters(
    fresh_template: Checkout, tmp_path: Path, name: str
) -> None:
    here = small.copy(fresh_template, tmp_path / name / name)
    done = here.run("make", "run")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "running 1.0 --stack dev\n"
    here.assert_has("local", "page")
    assert here.run("make", "run").stderr == ""


def test_toolchain_refuses_a_path_with_a_colon(fresh_template: Checkout, tmp_path: Path) -> None:
    here = small.copy(fresh_template, tmp_path / "12:30")
    done = here.prepare("deploy")
    assert done.returncode == 1
    assert done.stderr == (
        f"error: The path of the checkout, {here.root}, has a colon, which no entry of PATH can "
        "contain. Rename the folder, and run the command again.\n"
    )


def test_prepared_checkout_can_be_renamed(prepared: Checkout) -> None:
    moved = Checkout(prepared.root.with_name("renamed"), prepared.wheels, prepared.environ)
    prepared.root.rename(moved.root)
    moved.assert_has("dev")  # before anything repairs it
    assert moved.prepare("dev", "page", "bench-node").stderr == ""


def test_counter_starts_through_a_link_to_it(prepared: Checkout) -> None:
    link = prepared.home / "counter"
    link.symlink_to(prepared.root / ".venv/bin/counter")
    prepared.assert_has_counter(link)


def test_prepare_runs_in_any_folder_and_through_a_link(fresh: Checkout) -> None:
    link = fresh.root.with_name("link")
    link.symlink_to(fresh.root)
    command = [base_python(), "-I", f"../../link/{TOOLCHAIN}", "prepare", "deploy"]
    done = subprocess.run(
        command, cwd=fresh.root / "web", env=fresh.environ, capture_output=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    fresh.assert_has("deploy")
    assert fresh.prepare("deploy").stderr == ""


def test_git_checks_out_the_same_bytes_on_every_machine() -> None:
    """Whatever core.autocrlf and core.eol are, and on file systems that ignore case."""
    listing = subprocess.run(
        ["git", "ls-files", "--eol"], cwd=ROOT, capture_output=True, encoding="utf-8"
    )
    if listing.returncode:
        pytest.skip("The checkout is not a git repository.")
    columns, names = zip(*(line.split("\t") for line in listing.stdout.splitlines()), strict=True)
    assert {each.partition("attr/")[2].strip() for each in columns} == {"text=auto eol=lf", "-text"}
    assert [each for each in columns if each.startswith(("i/crlf", "i/mixed"))] == []
    assert len({name.casefold() for name in names}) == len(names)
