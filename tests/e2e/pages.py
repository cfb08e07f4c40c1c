"""Steps of tests on the page, and what they expect to see on it."""

import json
import re
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Locator, Page, expect

SECONDS = 1000


# A shorter time would fail on a busy machine, which takes half a second for some responses.
QUICK = {"reconnectMs": 100, "acknowledgeMs": 800, "heartbeatMs": 3000}


def configure(context: BrowserContext, url: str, **fields: int | str) -> None:
    """Replace /config.json for the context's pages: the URL of the API, and other keys."""
    config = json.dumps({"webSocketUrl": url, **fields})
    context.route(
        "**/config.json",
        lambda route: route.fulfill(body=config, content_type="application/json"),
    )


def expect_value(page: Page, value: int, seconds: int = 15) -> None:
    text = page.get_by_test_id("counter-value")
    expect(text).to_have_text(str(value), timeout=seconds * SECONDS)


def expect_state(page: Page, state: str | re.Pattern[str]) -> None:
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
    """Click several times within one task of the page."""
    page.get_by_role("button", name="Increment").evaluate(
        "(button, times) => { for (let click = 0; click < times; click += 1) button.click() }",
        times,
    )


def record_texts(element: Locator) -> Callable[[], list[str]]:
    """Record the element's texts from now on. The result returns them, without repetitions."""
    element.evaluate(
        """(element) => {
            const texts = [element.textContent];
            const watch = () => {
                if (texts.at(-1) !== element.textContent) texts.push(element.textContent);
            };
            new MutationObserver(watch).observe(
                element, { characterData: true, childList: true, subtree: true });
            element.texts = texts;
        }"""
    )

    def read() -> list[str]:
        texts: list[str] = element.evaluate("(element) => element.texts")
        return texts

    return read
