"""`counter check` on local runs: one that works, and one that is broken in several ways.

The emulator invokes the function without the API's permission, and never rejects a post.
tests/cli/test_check.py has those two on fakes.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from counter_service.paths import ROOT

from .conftest import Product, running


def check(product: Product, page: str) -> tuple[int, list[dict[str, Any]]]:
    """The exit code of `counter check`, and its steps."""
    command = ["-m", "counter_service.cli", "check", product.url, f"--page={page}", "--json"]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=90,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, json.loads(done.stdout)["steps"]


def failure_of(product: Product, page: str) -> tuple[str, str]:
    """The step that fails, and its problem."""
    code, [*before, failed] = check(product, page)
    assert (code, failed["ok"]) == (1, False)
    assert all(step["ok"] for step in before)
    assert failed["look_at"]
    return failed["name"], failed["problem"]


def test_check_passes_on_a_local_run_and_leaves_one_click(product: Product) -> None:
    before = product.stored_value()
    code, steps = check(product, product.page)
    assert [(step["name"], step["ok"]) for step in steps if not step["ok"]] == []
    assert (code, len(steps)) == (0, 7)
    assert product.stored_value() == before + 1


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A local run of its own. The last test deletes its table."""
    with running(tmp_path_factory.mktemp("broken")) as broken:
        yield broken


@contextmanager
def environment(product: Product, **changes: str) -> Iterator[None]:
    """Other environment variables of the function until the block ends."""
    function, client = product.outputs["FunctionName"], product.aws("lambda")
    variables = client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    try:
        client.update_function_configuration(
            FunctionName=function, Environment={"Variables": variables | changes}
        )
        yield
    finally:
        client.update_function_configuration(
            FunctionName=function, Environment={"Variables": variables}
        )


def test_check_names_an_empty_origin_list(broken: Product) -> None:
    # Not by the configuration, because a local run adds the origin of its page.
    with environment(broken, ALLOWED_ORIGINS="", ALLOW_LOCALHOST="false"):
        step, problem = failure_of(broken, broken.page)
    assert step == "connect"
    assert "rejected the origin http://127.0.0.1" in problem


def test_check_names_a_config_json_with_another_address(broken: Product, product: Product) -> None:
    step, problem = failure_of(broken, product.page)
    assert step == "page"
    assert problem == f"The page connects to {product.url}, and not to {broken.url}."


def test_check_names_a_counter_table_that_is_missing(broken: Product) -> None:
    broken.aws("dynamodb").delete_table(TableName=broken.outputs["CounterTableName"])
    step, problem = failure_of(broken, broken.page)
    assert step == "get-current"
    assert "cannot use its tables" in problem
