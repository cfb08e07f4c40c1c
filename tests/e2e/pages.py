"""What tests do with the page, in the page's own terms."""

import json
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page, expect

from .cable import Cable

SECONDS = 1000


def connect_through(context: BrowserContext, cable: Cable, url: str, **times: int) -> None:
    """Let the context's pages reach the API at `url` through the cable, by /config.json."""
    config = json.dumps({"webSocketUrl": cable.through(url), **times})
    context.route(
        "**/config.json",
        lambda route: route.fulfill(body=config, content_type="application/json"),
    )


def expect_value(page: Page, value: int) -> None:
    expect(page.get_by_test_id("counter-value")).to_have_text(str(value), timeout=15 * SECONDS)


def expect_state(page: Page, state: str) -> None:
    expect(page.get_by_test_id("connection-state")).to_have_attribute(
        "data-state", state, timeout=15 * SECONDS
    )


def expect_pending(page: Page, clicks: int, seconds: int = 15) -> None:
    pending = page.get_by_test_id("pending")
    if clicks:
        expect(pending).to_have_text(f"+{clicks} pending", timeout=seconds * SECONDS)
    else:
        expect(pending).to_have_count(0, timeout=seconds * SECONDS)


def click(page: Page, times: int = 1) -> None:
    button = page.get_by_role("button", name="Increment")
    for _ in range(times):
        button.click()


def click_at_once(page: Page, times: int = 1) -> None:
    """Faster than any hand."""
    page.get_by_role("button", name="Increment").evaluate(
        "(button, times) => { for (let click = 0; click < times; click += 1) button.click() }",
        times,
    )


def seen(page: Page, test_id: str) -> Callable[[], list[str]]:
    """Write down from now on what the element says; call the result to read it, without repeats."""
    page.get_by_test_id(test_id).evaluate(
        """(element) => {
            const said = [element.textContent];
            const watch = () => {
                if (said.at(-1) !== element.textContent) said.push(element.textContent);
            };
            new MutationObserver(watch).observe(
                element, { characterData: true, childList: true, subtree: true });
            element.said = said;
        }"""
    )

    def read() -> list[str]:
        said: list[str] = page.get_by_test_id(test_id).evaluate("(element) => element.said")
        return said

    return read
