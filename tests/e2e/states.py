"""The page in each of its states, for tests and for the pictures of the documentation."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

from playwright.sync_api import Browser, Page, expect

from .conftest import Product
from .fault_proxy import FaultProxy
from .pages import (
    SECONDS,
    click,
    click_at_once,
    configure,
    expect_pending,
    expect_state,
    expect_value,
)

Scheme = Literal["light", "dark"]
Arrange = Callable[[Page, FaultProxy], None]


def connected(page: Page, proxy: FaultProxy) -> None:
    click(page, 2)
    expect_pending(page, 0)


def reconnecting(page: Page, proxy: FaultProxy) -> None:
    proxy.block()
    expect_state(page, "waiting")
    click(page, 3)
    expect_pending(page, 3)


def full(page: Page, proxy: FaultProxy) -> None:
    proxy.block()
    click_at_once(page, 101)
    expect_pending(page, 100)
    expect(page.get_by_text("100 clicks are waiting to be sent")).to_be_visible()


def given_up(page: Page, proxy: FaultProxy) -> None:
    leave_old_click(page)
    page.reload()
    expect(page.get_by_test_id("dropped-clicks")).to_contain_text("1 click could not be")


def leave_old_click(page: Page) -> None:
    """Store a click in the browser, as a page does that was closed two days ago."""
    page.evaluate(
        """() => {
            const madeAt = Date.now() - 48 * 60 * 60 * 1000;
            const clicks = [["left-by-an-old-page:1", madeAt]];
            sessionStorage.setItem("counter.pending.left-by-an-old-page", JSON.stringify(clicks));
        }"""
    )


STATES: dict[str, Arrange] = {
    each.__name__.replace("_", " "): each for each in (connected, reconnecting, full, given_up)
}


@contextmanager
def visiting(
    browser: Browser, product: Product, scheme: Scheme, size: tuple[int, int] = (900, 800)
) -> Iterator[tuple[Page, FaultProxy]]:
    """A connected page that shows the stored value."""
    width, height = size
    context = browser.new_context(
        color_scheme=scheme,
        reduced_motion="reduce",
        viewport={"width": width, "height": height},
        device_scale_factor=2,
    )
    context.set_default_timeout(15 * SECONDS)
    with FaultProxy.to(product.url) as proxy:
        configure(context, proxy.through(product.url))
        page = context.new_page()
        page.goto(product.page)
        expect_value(page, product.stored_value())
        try:
            yield page, proxy
        finally:
            context.close()
