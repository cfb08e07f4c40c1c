"""The page in Chromium, on the embedded AWS."""

import gzip
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from websockets.sync.client import ClientConnection

from counter_service.paths import ROOT

from .conftest import Product, eventually, request
from .fault_proxy import FaultProxy
from .pages import click, expect_pending, expect_state, expect_value

OpenCounter = Callable[[], tuple[Page, int]]


def test_a_click_in_either_tab_updates_both(open_counter: OpenCounter, product: Product) -> None:
    (one, _), (other, before) = open_counter(), open_counter()
    for count, clicked in enumerate((one, other), start=1):
        click(clicked)
        product.expect_counted(before + count, one, other)


def test_the_root_and_an_unknown_address_lead_to_the_counter(
    open_tab: Callable[[str], Page], product: Product
) -> None:
    origin = product.page.removesuffix("/realtime-counter")
    page = open_tab(f"{origin}/")
    expect(page).to_have_url(product.page)
    expect_state(page, "open")
    page = open_tab(f"{origin}/nowhere")
    expect(page.get_by_role("heading", name="Page not found")).to_be_visible()
    page.get_by_role("link").click()
    expect(page).to_have_url(product.page)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_page_works_through_one_forwarded_port(
    open_tab: Callable[[str], Page], product: Product, host: str
) -> None:
    with FaultProxy.to(product.page) as forwarded:
        page = open_tab(forwarded.through(product.page).replace("127.0.0.1", host))
        before = product.stored_value()
        expect_value(page, before)
        click(page)
        product.expect_counted(before + 1, page)


def test_a_page_reconnects_and_sends_its_clicks_when_its_socket_dies(
    proxy: FaultProxy, open_counter: OpenCounter, product: Product, client: ClientConnection
) -> None:
    page, before = open_counter()
    proxy.block()
    expect_state(page, "waiting")
    expect_value(page, before)  # the last value stays on the screen
    click(page)
    expect_pending(page, 1)
    missed = request(client, '{"action":"increment"}')["value"]
    assert missed == before + 1, "a click without a connection counted"

    attempts = proxy.accepted
    eventually(lambda: proxy.accepted > attempts, seconds=15)
    proxy.unblock()
    expect_state(page, "open")
    product.expect_counted(missed + 1, page)
    click(page)
    product.expect_counted(missed + 2, page)


def test_a_page_waits_about_three_seconds_before_it_reconnects(
    proxy: FaultProxy, open_counter: OpenCounter
) -> None:
    page, _ = open_counter()
    attempts = proxy.accepted
    proxy.reset()
    expect_state(page, "waiting")
    since = time.monotonic()
    expect_state(page, "open")
    # At least 1.5 s. The test may notice the end late. web/tests/clock.test.ts has the exact times.
    assert time.monotonic() - since > 1
    assert proxy.accepted == attempts + 1


def test_the_page_works_by_keyboard(open_counter: OpenCounter) -> None:
    page, before = open_counter()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Increment")).to_be_focused()
    page.keyboard.press("Enter")
    expect_value(page, before + 1)
    page.keyboard.press("Space")
    expect_value(page, before + 2)


def test_the_script_of_the_page_is_at_most_90_kb_compressed() -> None:
    scripts = (ROOT / "web/dist").rglob("*.js")
    assert sum(len(gzip.compress(script.read_bytes(), 6)) for script in scripts) <= 90_000
