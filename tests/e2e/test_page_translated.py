"""The page while a translator replaces its texts, as Chromium's own does."""

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from .conftest import Product
from .fault_proxy import FaultProxy
from .pages import click, expect_pending, expect_state, expect_value
from .states import STATES

OpenCounter = Callable[[], tuple[Page, int]]

# Puts a copy of each text, and of each new text, into two elements, and removes the original.
TRANSLATE = """(() => {
    const wrap = (root) => {
        const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
        const texts = [];
        while (walker.nextNode()) texts.push(walker.currentNode);
        for (const text of texts.filter((each) => each.parentElement.tagName !== "FONT")) {
            const outer = document.createElement("font");
            outer.appendChild(document.createElement("font")).textContent = text.data;
            text.replaceWith(outer);
        }
    };
    const options = { characterData: true, childList: true, subtree: true };
    new MutationObserver(() => document.body && wrap(document.body)).observe(document, options);
})()"""


@pytest.fixture(autouse=True)
def _translated(context: BrowserContext) -> None:
    context.add_init_script(TRANSLATE)


def expect_translated(page: Page) -> None:
    bare = page.evaluate(
        """() => {
            const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
            const bare = [];
            while (walker.nextNode()) {
                const { data, parentElement } = walker.currentNode;
                if (parentElement.tagName !== "FONT") bare.push(data);
            }
            return bare;
        }"""
    )
    assert bare == []


def test_a_translated_page_walks_through_every_state(
    open_counter: OpenCounter, proxy: FaultProxy, product: Product
) -> None:
    page, _ = open_counter()
    for arrange in STATES.values():
        arrange(page, proxy)
        expect_translated(page)
        proxy.unblock()
        expect_state(page, "open")
        expect_pending(page, 0, seconds=30)
        expect_value(page, product.stored_value())
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_test_id("dropped-clicks")).to_have_count(0)
    click(page)
    expect_pending(page, 0)  # the value is stored when the click is acknowledged
    product.expect_counted(product.stored_value(), page)
    expect_translated(page)


def test_a_translated_page_starts_after_each_message_of_its_start(
    context: BrowserContext, product: Product
) -> None:
    context.route("**/assets/*.js", lambda route: route.abort())
    context.route("**/config.json", lambda route: route.fulfill(status=404))
    context.clock.install()
    page = context.new_page()
    page.goto(product.page)
    expect(page.get_by_role("alert")).to_contain_text("Check your connection.")
    expect_translated(page)
    context.unroute("**/assets/*.js")
    with page.expect_event("load"):
        context.clock.fast_forward("00:31")
    expect(page.get_by_role("heading", name="The counter cannot start")).to_be_visible()
    expect_translated(page)
    context.unroute("**/config.json")
    context.clock.fast_forward("00:31")
    expect_value(page, product.stored_value())
    expect_translated(page)


def test_a_translated_page_links_from_an_unknown_address(
    context: BrowserContext, product: Product
) -> None:
    page = context.new_page()
    page.goto(product.page.replace("/realtime-counter", "/nowhere"))
    expect(page.get_by_role("link", name="Go to the realtime counter")).to_be_visible()
    expect_translated(page)
