"""What the page is like to look at, to hear and to touch, in each of its states."""

import time
from collections.abc import Callable
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from counter_service.paths import ROOT

from .conftest import Product
from .pages import SECONDS, click, expect_pending, expect_value
from .states import STATES, Scheme, leave_old_click, visiting

AXE = (ROOT / "web/node_modules/axe-core/axe.min.js").read_text()


def found_by_axe(page: Page) -> list[str]:
    page.evaluate("Promise.all(document.getAnimations().map((each) => each.finished))")
    page.evaluate(AXE)
    result: dict[str, Any] = page.evaluate("axe.run()")
    assert len(result["passes"]) > 10
    return [
        f"{violation['id']}: {violation['help']} {node['html']}"
        for violation in [*result["violations"], *result["incomplete"]]
        for node in violation["nodes"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing(browser: Browser, product: Product, scheme: Scheme, state: str) -> None:
    with visiting(browser, product, scheme) as (page, cable):
        STATES[state](page, cable)
        assert found_by_axe(page) == []


@pytest.mark.parametrize("path", ["/realtime-counter", "/nowhere"])
def test_axe_finds_nothing_where_there_is_no_counter(
    context: BrowserContext, product: Product, path: str
) -> None:
    context.route("**/config.json", lambda route: route.fulfill(status=404, body="no"))
    page = context.new_page()
    page.goto(product.page.replace("/realtime-counter", path))
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert found_by_axe(page) == []


@pytest.mark.parametrize("width", [320, 900])
@pytest.mark.parametrize("state", STATES)
def test_nothing_moves_that_nobody_touched(
    browser: Browser, product: Product, state: str, width: int
) -> None:
    with visiting(browser, product, "light", (width, 900)) as (page, cable):
        STATES[state](page, cable)
        shifts = page.evaluate(
            """() => new Promise((resolve) => {
                const shifts = [];
                const name = ({ node, previousRect: from, currentRect: to }) =>
                    `${node?.className ?? node?.textContent}: ${from.x} ${from.y}, ${to.x} ${to.y}`;
                new PerformanceObserver((list) => {
                    for (const each of list.getEntries()) shifts.push(...each.sources.map(name));
                }).observe({ type: "layout-shift", buffered: true });
                requestAnimationFrame(() => setTimeout(() => resolve(shifts)));
            })"""
        )
        assert shifts == []


def test_the_page_is_heard_once_in_a_while(open_tab: Callable[..., Page], product: Product) -> None:
    page = open_tab()
    before = product.stored_value()
    announcement = page.get_by_role("status")
    expect(announcement).to_have_text(f"The counter is at {before}.")
    page.evaluate(
        """() => {
            const heard = (window.heard = []);
            const status = document.querySelector("[role=status]");
            new MutationObserver(() => heard.push(status.textContent)).observe(
                status, { characterData: true, childList: true, subtree: true });
        }"""
    )
    since = time.monotonic()
    click(page, 10)
    expect_value(page, before + 10)
    expect(announcement).to_have_text(f"The counter is at {before + 10}.")
    assert len(page.evaluate("heard")) <= 1 + (time.monotonic() - since) / 5


@pytest.mark.parametrize(
    ("motion", "animations"),
    [("no-preference", ["digit-arrive", "digit-leave"]), ("reduce", ["none", "none"])],
)
def test_digits_roll_unless_motion_is_not_wanted(
    browser: Browser,
    product: Product,
    motion: Literal["no-preference", "reduce"],
    animations: list[str],
) -> None:
    context = browser.new_context(reduced_motion=motion)
    page = context.new_page()
    page.goto(product.page)
    before = product.stored_value()
    expect_value(page, before)
    click(page)
    expect_value(page, before + 1)
    last_digit = page.locator(".digit").last
    assert animations == last_digit.evaluate(
        """(digit) => [
            getComputedStyle(digit.firstChild).animationName,
            getComputedStyle(digit, "::after").animationName,
        ]"""
    )
    context.close()


def test_the_round_trip_and_the_last_minute_are_shown(
    open_tab: Callable[..., Page], product: Product
) -> None:
    page = open_tab()
    expect_value(page, product.stored_value())
    click(page, 3)
    expect_pending(page, 0)
    expect(page.get_by_test_id("clicks-last-minute")).to_have_text("3")
    round_trip = page.get_by_test_id("round-trip").inner_text().removesuffix(" ms")
    assert 0 < int(round_trip) < 15 * SECONDS


def test_it_is_said_until_dismissed_that_a_click_was_given_up(
    open_tab: Callable[..., Page], product: Product
) -> None:
    page = open_tab()
    before = product.stored_value()
    expect_value(page, before)
    leave_old_click(page)
    page.reload()
    notice = page.get_by_test_id("given-up")
    expect_value(page, before)
    expect(notice).to_contain_text("1 click was given up")
    page.get_by_role("button", name="Dismiss").click()
    expect(notice).to_have_count(0)
    page.reload()
    expect_value(page, before)
    expect(notice).to_have_count(0)
    assert product.stored_value() == before


def test_a_page_without_storage_counts_all_the_same(
    context: BrowserContext, product: Product
) -> None:
    context.add_init_script(
        "Object.defineProperty(window, 'sessionStorage', { get() { throw new Error('blocked') } })"
    )
    page = context.new_page()
    page.goto(product.page)
    before = product.stored_value()
    expect_value(page, before)
    click(page, 2)
    expect_value(page, before + 2)
    assert product.stored_value() == before + 2
