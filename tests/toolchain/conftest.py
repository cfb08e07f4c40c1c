"""The small checkouts of the tests, made once and copied for each."""

from pathlib import Path

import pytest

from tests.toolchain import checkout as small
from tests.toolchain import wheels
from tests.toolchain.checkout import Checkout


@pytest.fixture(scope="session")
def fresh_template(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    folder = tmp_path_factory.mktemp("toolchain")
    hashes = wheels.make_all(folder / "wheels")
    version = small.uv_version()
    hashes[f"uv=={version}"] = wheels.make_uv(folder / "wheels", version, small.have_uv())
    return small.create(folder / "fresh/checkout", folder / "wheels", hashes)


@pytest.fixture(scope="session")
def prepared_template(
    fresh_template: Checkout, tmp_path_factory: pytest.TempPathFactory
) -> Checkout:
    made = small.copy(fresh_template, tmp_path_factory.mktemp("prepared") / "checkout")
    done = made.prepare("dev", "page", "bench-node")
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture
def fresh(fresh_template: Checkout, tmp_path: Path) -> Checkout:
    """A checkout in which nothing was prepared."""
    return small.copy(fresh_template, tmp_path / "fresh/checkout")


@pytest.fixture
def prepared(prepared_template: Checkout, tmp_path: Path) -> Checkout:
    """A checkout in which everything was prepared, copied to another place."""
    return small.copy(prepared_template, tmp_path / "prepared/checkout")
