"""A small built page for every test, because these tests run before the real page is built."""

from collections.abc import Iterator

import pytest

from . import page


@pytest.fixture(scope="module", autouse=True)
def _built_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with page.installed(tmp_path_factory.mktemp("web")):
        yield
