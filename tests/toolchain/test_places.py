"""The checkout works wherever it is, and the repository has the same files on every machine."""

import subprocess
from pathlib import Path

import pytest

from counter_service.toolchain.uv import base_python
from tests.toolchain import checkout as small
from tests.toolchain.checkout import ROOT, Checkout


@pytest.mark.parametrize(
    "name",
    ["a checkout", "$HOME", 'it\'s "100%" #1; `ls` & (x) * \\ ü 値', "-f"],
)
def test_path_may_have_any_letters(fresh_template: Checkout, tmp_path: Path, name: str) -> None:
    here = small.copy(fresh_template, tmp_path / name / name)
    done = here.run("make", "run")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "running 1.0 --stack dev\n"
    here.assert_has("local")
    here.assert_has("page")
    assert here.run("make", "run").stderr == ""


def test_path_with_a_colon_is_refused(fresh_template: Checkout, tmp_path: Path) -> None:
    here = small.copy(fresh_template, tmp_path / "12:30")
    done = here.prepare("deploy")
    assert done.returncode == 1
    assert done.stderr == (
        f"error: The path of the checkout, {here.root}, has a colon, which no entry of PATH can "
        "have. Rename the folder, and run the command again.\n"
    )


def test_renamed_checkout_works(prepared: Checkout) -> None:
    moved = Checkout(
        prepared.root.with_name("renamed"),
        prepared.wheels,
        {**prepared.environ, "PIP_NO_INDEX": "1"},
    )
    prepared.root.rename(moved.root)
    moved.assert_has("dev")  # before anything repairs it
    assert moved.prepare("dev", "page", "bench-node").stderr == ""


def test_checkout_is_prepared_from_any_folder(fresh: Checkout) -> None:
    command = [base_python(), "-I", "../counter_service/toolchain", "prepare", "deploy"]
    done = subprocess.run(
        command, cwd=fresh.root / "web", env=fresh.environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    fresh.assert_has("deploy")


def test_checkout_behind_a_link_is_prepared(fresh: Checkout) -> None:
    link = fresh.root.with_name("link")
    link.symlink_to(fresh.root)
    command = [base_python(), "-I", f"{link}/counter_service/toolchain", "prepare", "deploy"]
    done = subprocess.run(command, cwd=link, env=fresh.environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    fresh.assert_has("deploy")
    assert fresh.prepare("deploy").stderr == ""


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("this is no git repository")
    return listing.stdout.rstrip("\0").split("\0")


def test_checkout_has_the_same_bytes_with_autocrlf(tmp_path: Path, tracked: list[str]) -> None:
    for setting in ("true", "false"):
        target = f"--prefix={tmp_path / setting}/"
        options = ("-c", f"core.autocrlf={setting}", "-c", "core.eol=crlf")
        command = ["git", *options, "checkout-index", "--all", target]
        subprocess.run(command, cwd=ROOT, check=True)
    for name in tracked:
        content = (tmp_path / "true" / name).read_bytes()
        assert content == (tmp_path / "false" / name).read_bytes(), name
        assert b"\r\n" not in content or name.endswith(".png"), name


def test_no_two_names_differ_by_case_only(tracked: list[str]) -> None:
    assert len({name.casefold() for name in tracked}) == len(tracked)
