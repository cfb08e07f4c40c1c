"""The page in browsers of the last four years, each of which may lack some functions.

The list is MDN's data, which web/browsers/compat.js reads. The page uses those that are recorded
here while it runs, and those that its script names together with their object. They are removed
from Chromium: those that run one at a time, and the others together.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from counter_service.paths import ROOT
from counter_service.toolchain import node

from .conftest import Product
from .fault_proxy import FaultProxy
from .pages import QUICK, SECONDS, click, configure, expect_pending, expect_state, expect_value

YEARS = 4
LACKED = f"""
import {{ browsersOfYearsAgo, lackedBy }} from "./web/browsers/compat.js";
console.log(JSON.stringify(lackedBy(browsersOfYearsAgo({YEARS}))));
"""
# The object that has the member, and the member's name. The data does not say whether it is static.
FIND = """(path) => {
    const names = path.split(".");
    const last = names.pop();
    const named = (object, name) =>
        name === "TypedArray" ? Object.getPrototypeOf(Int8Array) : object?.[name];
    const owner = names[0] === "Window" ? window : names.reduce(named, window);
    const holder = [owner, owner?.prototype].find((each) => each && Object.hasOwn(each, last));
    return { holder, last };
}"""
REMOVE = f"""(paths) => paths.filter((path) => {{
    const {{ holder, last }} = ({FIND})(path);
    return holder === undefined || !delete holder[last];
}})"""
RECORD = f"""(paths) => {{
    const used = window.usedPaths = new Set();
    // All are found first, because finding a member uses the global that it belongs to.
    for (const {{ path, holder, last }} of paths.map((path) => ({{ path, ...({FIND})(path) }}))) {{
        const found = holder && Object.getOwnPropertyDescriptor(holder, last);
        if (!found?.configurable) continue;
        Object.defineProperty(holder, last, {{
            configurable: true,
            enumerable: found.enumerable,
            get() {{
                used.add(path);
                return found.get ? found.get.call(this) : found.value;
            }},
            set(value) {{
                used.add(path);
                if (found.set) found.set.call(this, value);
                else Object.defineProperty(this, last, {{ ...found, value }});
            }},
        }});
    }}
}}"""


@pytest.fixture(scope="module")
def lacked() -> list[str]:
    done = subprocess.run(
        ["node", "--input-type=module", "--eval", LACKED],
        cwd=ROOT,
        env=node.environ(),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    paths: list[str] = json.loads(done.stdout)
    return paths


@contextmanager
def prepared(browser: Browser, product: Product, script: str) -> Iterator[tuple[Page, FaultProxy]]:
    """A page before its first navigation, whose documents run the script first."""
    with (
        browser.new_context(reduced_motion="reduce") as context,
        FaultProxy.to(product.url) as proxy,
    ):
        context.set_default_timeout(15 * SECONDS)
        configure(context, proxy.through(product.url), **QUICK, tokenIn="query")
        context.add_init_script(script)
        yield context.new_page(), proxy


def use(page: Page, proxy: FaultProxy, product: Product) -> None:
    """Act as a person: open the page with a token, click, lose the connection, click, reload."""
    before = product.stored_value()
    page.goto(f"{product.page}#token=a.b.c&place=1")
    expect_value(page, before)
    assert page.evaluate("location.hash") == "#place=1"
    click(page)
    product.expect_counted(before + 1, page)
    proxy.block()
    expect_state(page, "waiting")
    click(page)
    expect_pending(page, 1)
    page.reload()
    expect_pending(page, 1)
    proxy.unblock()
    product.expect_counted(before + 2, page)


def named(paths: list[str]) -> set[str]:
    """The paths that the page's scripts name: an object, and its member after a dot."""
    scripts = (ROOT / "web" / "dist").rglob("*.js")
    names = set(
        re.findall(r"\.?[\w$]+", " ".join(each.read_text(encoding="utf-8") for each in scripts))
    )
    bare = {name.removeprefix(".") for name in names}
    return {
        path
        for path in paths
        for owner, dot, member in [path.partition(".")]
        if owner in bare and (not dot or f".{member}" in names)
    }


def exists(page: Page, path: str) -> bool:
    found: bool = page.evaluate(f"(path) => ({FIND})(path).holder !== undefined", path)
    return found


@pytest.mark.timeout(300)
def test_the_page_works_or_says_why_without_each_function_that_browsers_may_lack(
    browser: Browser, product: Product, lacked: list[str]
) -> None:
    with prepared(browser, product, f"({RECORD})({json.dumps(lacked)})") as (page, proxy):
        use(page, proxy, product)
        recorded = set(page.evaluate("[...usedPaths]"))
    with prepared(browser, product, "") as (page, _):
        page.goto(product.page)
        existing = {path for path in recorded | named(lacked) if exists(page, path)}
    assert existing & recorded
    assert existing - recorded
    # Members before their objects, because they could not be found afterwards.
    idle = sorted(existing - recorded, key=len, reverse=True)
    waiting = [idle, *([path] for path in existing & recorded)]
    failures: dict[str, str] = {}
    while waiting:
        paths = waiting.pop()
        remove = f"window.remaining = ({REMOVE})({json.dumps(paths)})"
        with prepared(browser, product, remove) as (page, proxy):
            try:
                use(page, proxy, product)
            except AssertionError as failure:
                if len(paths) > 1:  # find the one
                    waiting += [[path] for path in paths]
                    continue
                alert = page.get_by_role("alert")
                if not alert.count() or "update your browser" not in alert.inner_text().lower():
                    failures[paths[0]] = str(failure)
            assert page.evaluate("window.remaining") == [], "could not be removed from Chromium"
    assert failures == {}


@pytest.mark.parametrize(
    ("use_it", "path"),
    [
        ("URL.canParse('x')", "URL.canParse"),
        ("new URLSearchParams().size", "URLSearchParams.size"),
        ("Promise.withResolvers()", "Promise.withResolvers"),
        ("[].toSorted()", "Array.toSorted"),
    ],
)
def test_the_recorder_sees_each_use_of_a_function(
    browser: Browser, product: Product, lacked: list[str], use_it: str, path: str
) -> None:
    with prepared(browser, product, f"({RECORD})({json.dumps(lacked)})") as (page, _):
        page.goto(f"{product.page}/nowhere")
        page.evaluate(f"{{ {use_it} }}")
        assert path in page.evaluate("[...usedPaths]")
    assert path in lacked


def test_a_page_without_a_function_that_it_calls_says_so(
    browser: Browser, product: Product
) -> None:
    """The removed function is one that every supported browser has, because the page calls it."""
    with prepared(browser, product, "delete window.URLSearchParams") as (page, _):
        page.goto(product.page)
        expect(page.get_by_role("alert")).to_contain_text("Update your browser")
