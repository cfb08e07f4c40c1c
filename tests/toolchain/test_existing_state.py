"""What is there already is verified, and repaired or rebuilt."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import permutations
from pathlib import Path

import pytest

from counter_service.toolchain.uv import base_python
from tests.toolchain.checkout import PACKAGES, Checkout

# What a row does to a checkout in which everything was prepared. Its name says what it is.
Damage = Callable[[Checkout], object]


def nothing_is_there(each: Checkout) -> None:
    shutil.rmtree(each.root / ".venv")
    shutil.rmtree(each.root / "web/node_modules")
    shutil.rmtree(each.root / "web/dist")


def venv_is_an_empty_folder(each: Checkout) -> None:
    shutil.rmtree(each.root / ".venv")
    (each.root / ".venv").mkdir()


def venv_is_by_the_venv_module_and_has_no_packages(each: Checkout) -> None:
    command: list[str | Path] = [
        base_python(),
        "-m",
        "venv",
        "--clear",
        "--without-pip",
        each.root / ".venv",
    ]
    subprocess.run(command, check=True)


def venv_has_a_dangling_python(each: Checkout) -> None:
    each.python.unlink()
    each.python.symlink_to("/nowhere/python3")


def venv_has_a_python_that_is_not_executable(each: Checkout) -> None:
    each.python.unlink()
    each.python.write_text("#!/bin/sh\n")


def venv_has_the_python_of_the_machine(each: Checkout) -> None:
    (each.root / ".venv/pyvenv.cfg").unlink()


def venv_is_of_another_python(each: Checkout) -> None:
    other = "3.99.0 (main) [GCC]"
    fake = f"#!/bin/sh\nprintf '%s' \"('{other}', '/usr', True)\"\n"
    each.python.unlink()
    each.python.write_text(fake)
    each.python.chmod(0o755)


def venv_is_a_plain_file(each: Checkout) -> None:
    shutil.rmtree(each.root / ".venv")
    (each.root / ".venv").write_text("not a folder")


def venv_is_a_link_to_nowhere(each: Checkout) -> None:
    shutil.rmtree(each.root / ".venv")
    (each.root / ".venv").symlink_to("/nowhere/venv")


def venv_is_a_link_to_an_empty_folder(each: Checkout) -> None:
    shutil.rmtree(each.root / ".venv")
    (each.home / "venv").mkdir()
    (each.root / ".venv").symlink_to(each.home / "venv")


def package_is_deleted(each: Checkout) -> None:
    shutil.rmtree(each.packages / "beta")
    shutil.rmtree(each.packages / "beta-2.0.dist-info")


def package_is_deleted_but_not_its_metadata(each: Checkout) -> None:
    shutil.rmtree(each.packages / "beta")


def package_has_a_deleted_file(each: Checkout) -> None:
    (each.packages / "beta/command.py").unlink()


def package_has_a_truncated_file(each: Checkout) -> None:
    (each.packages / "alpha/__init__.py").write_text("")


def package_has_no_record(each: Checkout) -> None:
    (each.packages / "alpha-1.0.dist-info/RECORD").unlink()


def package_has_a_record_of_bytes(each: Checkout) -> None:
    (each.packages / "alpha-1.0.dist-info/RECORD").write_bytes(b"\xff\x00,a,b\n\x00")


def package_is_of_another_version(each: Checkout) -> None:
    uv = each.root / ".toolchain/uv/bin/uv"
    options = ("--offline", "--find-links", each.wheels, "--python", each.python)
    done = each.run(uv, "pip", "install", *options, "alpha==0.9")
    assert done.returncode == 0, done.stderr


def pip_is_missing_in_venv(each: Checkout) -> None:
    shutil.rmtree(each.packages / "pip")
    shutil.rmtree(each.packages / "pip-99.0.dist-info")


def script_is_deleted(each: Checkout) -> None:
    (each.root / ".venv/bin/alpha").unlink()


def killed_set_up_left_folders(each: Checkout) -> None:
    for name in (".venv.new", ".venv.old", ".toolchain/uv.new", "web/dist.new", "web/dist.old"):
        (each.root / name / "bin").mkdir(parents=True)
        (each.root / name / "bin/python").write_text("half")


def killed_set_up_had_moved_venv_away(each: Checkout) -> None:
    (each.root / ".venv").rename(each.root / ".venv.old")


def lock_file_is_left_by_another_user(each: Checkout) -> None:
    (each.root / ".toolchain/lock").write_text("4711\n")


def cache_of_uv_has_a_changed_file(each: Checkout) -> None:
    # Its files are those of .venv, by hard links.
    for path in (each.home / ".cache/uv").rglob("alpha/__init__.py"):
        path.write_text("")
    (each.packages / "alpha/__init__.py").write_text("")


def node_modules_lacks_a_package(each: Checkout) -> None:
    shutil.rmtree(each.root / "web/node_modules/builder")


def node_modules_has_another_version(each: Checkout) -> None:
    path = each.root / "web/node_modules/shown/package.json"
    path.write_text(path.read_text().replace("1.0.0", "0.9.0"))


def node_modules_is_of_another_system(each: Checkout) -> None:
    installed = each.root / "web/node_modules"
    (installed / "native-here").rename(installed / "native-elsewhere")
    lock = installed / ".package-lock.json"
    lock.write_text(lock.read_text().replace("native-here", "native-elsewhere"))


def node_modules_was_killed_in_the_middle(each: Checkout) -> None:
    (each.root / "web/node_modules/.package-lock.json").unlink()


def node_modules_has_half_a_lock_file(each: Checkout) -> None:
    lock = each.root / "web/node_modules/.package-lock.json"
    lock.write_text(lock.read_text()[:100])


def node_modules_has_no_commands(each: Checkout) -> None:
    shutil.rmtree(each.root / "web/node_modules/.bin")


def node_modules_is_a_plain_file(each: Checkout) -> None:
    shutil.rmtree(each.root / "web/node_modules")
    (each.root / "web/node_modules").write_text("not a folder")


def node_modules_is_a_link_to_nowhere(each: Checkout) -> None:
    shutil.rmtree(each.root / "web/node_modules")
    (each.root / "web/node_modules").symlink_to("/nowhere/node_modules")


def page_is_deleted(each: Checkout) -> None:
    shutil.rmtree(each.root / "web/dist")


def page_is_half_written(each: Checkout) -> None:
    (each.root / "web/dist/index.html").unlink()


def page_lacks_its_script(each: Checkout) -> None:
    shutil.rmtree(each.root / "web/dist/assets")


def page_is_older_than_its_sources(each: Checkout) -> None:
    (each.root / "web/src/main.ts").write_text("export const changed = true;\n")


def page_is_a_plain_file(each: Checkout) -> None:
    shutil.rmtree(each.root / "web/dist")
    (each.root / "web/dist").write_text("not a folder")


ENVIRONMENT_DAMAGES: tuple[Damage, ...] = (
    venv_is_an_empty_folder,
    venv_is_by_the_venv_module_and_has_no_packages,
    venv_has_a_dangling_python,
    venv_has_a_python_that_is_not_executable,
    venv_has_the_python_of_the_machine,
    venv_is_of_another_python,
    venv_is_a_plain_file,
    venv_is_a_link_to_nowhere,
    venv_is_a_link_to_an_empty_folder,
    package_is_deleted,
    package_is_deleted_but_not_its_metadata,
    package_has_a_deleted_file,
    package_has_a_truncated_file,
    package_has_no_record,
    package_has_a_record_of_bytes,
    package_is_of_another_version,
    pip_is_missing_in_venv,
    script_is_deleted,
    killed_set_up_had_moved_venv_away,
    cache_of_uv_has_a_changed_file,
)
PAGE_DAMAGES: tuple[Damage, ...] = (
    nothing_is_there,
    killed_set_up_left_folders,
    lock_file_is_left_by_another_user,
    node_modules_lacks_a_package,
    node_modules_has_another_version,
    node_modules_is_of_another_system,
    node_modules_was_killed_in_the_middle,
    node_modules_has_half_a_lock_file,
    node_modules_has_no_commands,
    node_modules_is_a_plain_file,
    node_modules_is_a_link_to_nowhere,
    page_is_deleted,
    page_is_half_written,
    page_lacks_its_script,
    page_is_older_than_its_sources,
    page_is_a_plain_file,
)


def name_of(damage: Damage) -> str:
    return damage.__name__


@pytest.mark.parametrize("damage", ENVIRONMENT_DAMAGES, ids=name_of)
def test_python_environment_is_repaired(prepared: Checkout, damage: Damage) -> None:
    damage(prepared)
    done = prepared.prepare("dev")
    assert (done.returncode, done.stderr) == (0, "Installing requirements/dev.txt into .venv.\n")
    prepared.assert_has("dev")


@pytest.mark.parametrize("damage", PAGE_DAMAGES, ids=name_of)
def test_checkout_is_repaired(prepared: Checkout, damage: Damage) -> None:
    damage(prepared)
    done = prepared.prepare("dev", "web", "page")
    assert done.returncode == 0, done.stderr
    for part in ("dev", "web", "page"):
        prepared.assert_has(part)


def test_prepared_checkout_is_left_as_it_is(prepared: Checkout) -> None:
    prepared.set(PIP_FIND_LINKS="/nowhere", PATH=f"{os.defpath}:{prepared.environ['PATH']}")
    before = prepared.python.lstat().st_ino
    done = prepared.prepare("deploy", "local", "dev", "web", "page", "bench-node")
    assert (done.returncode, done.stderr) == (0, "")
    assert prepared.python.lstat().st_ino == before


@pytest.mark.parametrize("order", list(permutations(PACKAGES)), ids="-".join)
def test_parts_are_prepared_in_any_order(fresh: Checkout, order: tuple[str, ...]) -> None:
    for part in order:
        done = fresh.prepare(part)
        assert done.returncode == 0, done.stderr
        fresh.assert_has(part)
    assert fresh.prepare(*PACKAGES).stderr == ""


def test_link_to_a_good_environment_is_used(prepared: Checkout) -> None:
    elsewhere = prepared.home / "venv"
    (prepared.root / ".venv").rename(elsewhere)
    (prepared.root / ".venv").symlink_to(elsewhere)
    done = prepared.prepare("dev")
    assert (done.returncode, done.stderr) == (0, "")
    assert (prepared.root / ".venv").is_symlink()


def test_repair_leaves_the_target_of_a_link(prepared: Checkout) -> None:
    shutil.rmtree(prepared.root / ".venv")
    (prepared.home / "precious").mkdir()
    (prepared.home / "precious/file").touch()
    (prepared.root / ".venv").symlink_to(prepared.home / "precious")
    assert prepared.prepare("deploy").returncode == 0
    prepared.assert_has("deploy")
    assert (prepared.home / "precious/file").exists()


def test_another_python_rebuilds_the_environment(prepared: Checkout) -> None:
    other = _another_python()
    done = prepared.toolchain("prepare", "deploy", python=other)
    assert done.returncode == 0, done.stderr
    script = "import alpha, sys; print(sys.version, sys.base_prefix)"
    shown = prepared.run(prepared.python, "-Ic", script)
    wanted = prepared.run(other, "-Ic", script.replace("alpha, ", ""))
    assert shown.stdout == wanted.stdout


def _another_python() -> str:
    """A Python of another version or installation than the one that runs the tests."""
    script = (
        "import ensurepip, sys; print(sys.base_prefix); "
        "sys.exit(sys.version_info < (3, 11) or sys.prefix != sys.base_prefix)"
    )
    for folder in os.environ["PATH"].split(os.pathsep):
        for path in sorted(Path(folder).glob("python3*")):
            if re.fullmatch(r"python3(\.\d+)?", path.name):
                command: list[str | Path] = [path, "-Ic", script]
                found = subprocess.run(command, capture_output=True, text=True, check=False)
                if found.returncode == 0 and found.stdout.strip() != sys.base_prefix:
                    return str(path)
    pytest.skip("the machine has one Python only")


def uv_is_truncated(each: Checkout) -> None:
    _uv_that_is(each, "")


def uv_is_of_another_version(each: Checkout) -> None:
    _uv_that_is(each, "#!/bin/sh\necho uv 0.0.1\n")


def uv_is_on_a_python_that_is_gone(each: Checkout) -> None:
    program = (each.root / ".toolchain/uv/bin/uv").resolve()
    _uv_that_is(each, f'#!/bin/sh\nexec "{program}" "$@"\n')
    (each.root / ".toolchain/uv/bin/python").symlink_to("/nowhere/python3")


def _uv_that_is(each: Checkout, script: str) -> None:
    (each.root / ".toolchain/uv").unlink()
    (each.root / ".toolchain/uv/bin").mkdir(parents=True)
    (each.root / ".toolchain/uv/bin/uv").write_text(script)
    (each.root / ".toolchain/uv/bin/uv").chmod(0o755)


@pytest.mark.parametrize(
    "damage",
    [
        uv_is_truncated,
        uv_is_of_another_version,
        uv_is_on_a_python_that_is_gone,
    ],
    ids=name_of,
)
def test_uv_is_installed_again(fresh: Checkout, damage: Damage) -> None:
    damage(fresh)
    done = fresh.prepare("deploy")
    assert done.returncode == 0, done.stderr
    fresh.assert_has("deploy")
    assert fresh.run(fresh.root / ".toolchain/uv/bin/python", "--version").returncode == 0


def test_package_lock_with_a_conflict_is_one_sentence(prepared: Checkout) -> None:
    lock = prepared.root / "web/package-lock.json"
    lock.write_text("<<<<<<< HEAD\n" + lock.read_text())
    done = prepared.prepare("web")
    assert done.returncode == 1
    assert done.stderr == (
        "error: web/package-lock.json is not a lock file of npm. Restore it, for example with "
        "git checkout web/package-lock.json, and run the command again.\n"
    )
