"""Scanning runs the program, which has the page in it: a small one that is built already."""

from collections.abc import Iterator

import pytest

from tests.infra import page


@pytest.fixture(scope="module", autouse=True)
def _built_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with page.installed(tmp_path_factory.mktemp("web")):
        yield
