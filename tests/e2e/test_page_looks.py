"""The look of the page, and its screen reader output, in each of its states."""

import re
import time
from collections.abc import Callable
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from counter_service.paths import ROOT

from .conftest import Product
from .pages import SECONDS, click, expect_pending, expect_value, record_texts
from .states import STATES, Scheme, leave_old_click, visiting

OpenCounter = Callable[[], tuple[Page, int]]

AXE = (ROOT / "web/node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


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
def test_axe_finds_nothing_in_any_state(
    browser: Browser, product: Product, scheme: Scheme, state: str
) -> None:
    with visiting(browser, product, scheme) as (page, proxy):
        STATES[state](page, proxy)
        assert found_by_axe(page) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/realtime-counter", re.compile(r"config\.json is missing.*Deploy", re.DOTALL)),
        ("/nowhere", "Page not found"),
    ],
)
def test_axe_finds_nothing_on_a_page_without_counter(
    context: BrowserContext, product: Product, path: str, text: re.Pattern[str] | str
) -> None:
    context.route("**/config.json", lambda route: route.fulfill(status=404, body="no"))
    page = context.new_page()
    page.goto(product.page.replace("/realtime-counter", path))
    expect(page.get_by_role("main")).to_contain_text(text)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert found_by_axe(page) == []


@pytest.mark.parametrize("width", [320, 768, 1440])
@pytest.mark.parametrize("state", STATES)
def test_every_state_fits_the_width_and_shifts_no_layout(
    browser: Browser, product: Product, state: str, width: int
) -> None:
    with visiting(browser, product, "light", (width, 900)) as (page, proxy):
        STATES[state](page, proxy)
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
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(overflow) == 0
        button = page.get_by_role("button", name="Increment").bounding_box()
        assert button
        assert button["height"] >= 44


def test_the_page_announces_its_value_at_most_every_five_seconds(
    open_counter: OpenCounter,
) -> None:
    page, before = open_counter()
    announcement = page.get_by_role("status")
    expect(announcement).to_have_text(f"The counter is at {before}.")
    announced = record_texts(announcement)
    since = time.monotonic()
    click(page, 10)
    expect_value(page, before + 10)
    expect(announcement).to_have_text(f"The counter is at {before + 10}.")
    assert len(announced()) - 1 <= 1 + (time.monotonic() - since) / 5


@pytest.mark.parametrize(
    ("motion", "animations"),
    [("no-preference", ["digit-arrive", "digit-leave"]), ("reduce", ["none", "none"])],
)
def test_digits_roll_unless_the_user_prefers_reduced_motion(
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


def test_the_page_shows_the_round_trip_and_the_clicks_of_the_last_minute(
    open_counter: OpenCounter,
) -> None:
    page, _ = open_counter()
    click(page, 3)
    expect_pending(page, 0)
    expect(page.get_by_test_id("clicks-last-minute")).to_have_text("3")
    round_trip = page.get_by_test_id("round-trip").inner_text().removesuffix(" ms")
    assert 0 < int(round_trip) < 15 * SECONDS


def test_the_page_reports_a_dropped_click_until_the_notice_is_dismissed(
    open_counter: OpenCounter, product: Product
) -> None:
    page, before = open_counter()
    leave_old_click(page)
    page.reload()
    notice = page.get_by_test_id("dropped-clicks")
    expect_value(page, before)
    expect(notice).to_contain_text("1 click could not be confirmed")
    page.get_by_role("button", name="Dismiss").click()
    expect(notice).to_have_count(0)
    page.reload()
    expect_value(page, before)
    expect(notice).to_have_count(0)
    assert product.stored_value() == before


def test_a_page_without_storage_counts_clicks(
    context: BrowserContext, open_counter: OpenCounter, product: Product
) -> None:
    context.add_init_script(
        "Object.defineProperty(window, 'sessionStorage', { get() { throw new Error('blocked') } })"
    )
    page, before = open_counter()
    click(page, 2)
    product.expect_counted(before + 2, page)
