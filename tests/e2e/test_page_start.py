"""The page when something fails before React starts: it says so, and retries."""

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from .conftest import Product
from .pages import SECONDS, click, expect_state, expect_value

Respond = Callable[[Route], None]

SCRIPT = "**/assets/*.js"
DOCUMENT = "**/realtime-counter"
RETRIES = "The page retries automatically."
INCOMPLETE = f"This page is loading slowly or not at all. Check your connection. {RETRIES}"
FAILED = (
    "This page could not start. Update your browser, or open the page in another one. " + RETRIES
)

# Shorter than the shortest delay of a retry, and longer than its longest.
TOO_SOON, LATER = "00:01", "00:31"


def respond(body: str, content_type: str = "text/javascript", status: int = 200) -> Respond:
    return lambda route: route.fulfill(body=body, content_type=content_type, status=status)


FAULTS: dict[str, tuple[Respond, str]] = {
    "a script that is missing": (respond("Not found", status=404), INCOMPLETE),
    "a page in place of the script": (respond("<!doctype html>", "text/html"), INCOMPLETE),
    "a script of the wrong type": (respond("0", "text/plain"), INCOMPLETE),
    "a script that does not arrive": (lambda route: route.abort("connectionreset"), INCOMPLETE),
    "a script that does not parse": (respond("let syntax of = tomorrow"), FAILED),
    "a page with the type of a script": (respond("<!doctype html>"), FAILED),
    "an exception": (respond("URL.tomorrow()"), FAILED),
    "a rejection": (respond("await Promise.reject(new Error('broken'))"), FAILED),
}

# Runs each timer of a second or more at once, and notes its delay, which a reload does not delete.
NOTE_DELAYS = """(() => {
    const { setTimeout } = window;
    Math.random = () => 0.5;
    window.setTimeout = (task, ms) => {
        if (ms < 1000) return setTimeout(task, ms);
        const delays = [...JSON.parse(window.name || "[]"), ms];
        window.name = JSON.stringify(delays);
        return delays.length < 7 ? setTimeout(task) : 1;
    };
})()"""
BLOCK_STORAGE = (
    "Object.defineProperty(window, 'sessionStorage', { get() { throw new Error('blocked') } })"
)


@pytest.fixture
def visitor(browser: Browser) -> Iterator[BrowserContext]:
    """A context whose pages may throw."""
    with browser.new_context() as context:
        context.set_default_timeout(15 * SECONDS)
        yield context


def expect_sentence(page: Page, sentence: str) -> None:
    expect(page.get_by_role("alert")).to_have_text(sentence, timeout=15 * SECONDS)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_page_says_why_it_does_not_start_and_retries(
    visitor: BrowserContext, product: Product, fault: str
) -> None:
    response, sentence = FAULTS[fault]
    visitor.route(SCRIPT, response)
    visitor.clock.install(time=0)
    visitor.clock.pause_at(1)  # or else a busy machine would take longer than the retry
    page = visitor.new_page()
    page.goto(product.page)
    visitor.clock.run_for(100)  # a few frames
    expect_sentence(page, sentence)
    visitor.unroute(SCRIPT)
    visitor.clock.fast_forward(TOO_SOON)
    expect_sentence(page, sentence)
    with page.expect_event("load"):
        visitor.clock.fast_forward(LATER)
    visitor.clock.resume()
    expect_value(page, product.stored_value())
    assert page.evaluate("sessionStorage.getItem('start.failures')") == "0"


def test_a_page_whose_script_is_slow_says_so_and_still_uses_it(
    visitor: BrowserContext, product: Product
) -> None:
    waiting: list[Route] = []
    visitor.route(SCRIPT, lambda route: waiting.append(route))
    visitor.clock.install()
    page = visitor.new_page()
    page.goto(product.page, wait_until="commit")
    expect(page.get_by_role("status")).to_have_text("Loading…")
    visitor.clock.fast_forward(LATER)
    expect_sentence(page, INCOMPLETE)
    waiting.pop().continue_()
    expect_value(page, product.stored_value())


@pytest.mark.parametrize("storage", ["stored", "blocked"])
def test_a_page_that_never_starts_reloads_more_and_more_slowly(
    visitor: BrowserContext, product: Product, storage: str
) -> None:
    visitor.route(SCRIPT, respond("URL.tomorrow()"))
    visitor.add_init_script(NOTE_DELAYS)
    if storage == "blocked":
        visitor.add_init_script(BLOCK_STORAGE)
    page = visitor.new_page()
    page.goto(product.page)
    page.wait_for_function("JSON.parse(window.name || '[]').length === 7")
    longest = 20 * SECONDS
    grown = [3 * SECONDS, 6 * SECONDS, 12 * SECONDS, *(4 * [longest])]
    assert json.loads(page.evaluate("window.name")) == (
        grown if storage == "stored" else 7 * [longest]
    )


@pytest.mark.parametrize("response", ["none", "an error"])
def test_a_page_does_not_reload_while_the_site_does_not_respond(
    visitor: BrowserContext, product: Product, response: str
) -> None:
    visitor.route(SCRIPT, lambda route: route.abort())
    visitor.clock.install()
    page = visitor.new_page()
    page.goto(product.page)
    expect_sentence(page, INCOMPLETE)
    attempts: list[str] = []

    def refuse(route: Route) -> None:
        attempts.append(route.request.resource_type)
        if response == "none":
            route.abort()
        else:
            route.fulfill(status=503)

    visitor.route(DOCUMENT, refuse)
    for _ in range(2):
        with page.expect_request(DOCUMENT):
            visitor.clock.fast_forward(LATER)
        expect_sentence(page, INCOMPLETE)
    assert set(attempts) == {"xhr"}, "the page was reloaded"
    visitor.unroute_all()
    page.wait_for_function("true")
    with page.expect_event("load"):
        visitor.clock.run_for(LATER)
    expect_value(page, product.stored_value())


@pytest.mark.parametrize(
    ("response", "sentence"),
    [
        (respond("no", status=404), "/config.json is missing (HTTP 404)."),
        (respond("<!doctype html>", "text/html"), "/config.json is missing: the server sent"),
        (respond("{", "application/json"), "/config.json is not valid JSON."),
        (lambda route: route.abort(), "/config.json could not be loaded."),
    ],
)
def test_a_page_says_what_is_wrong_with_its_configuration_and_retries(
    context: BrowserContext, product: Product, response: Respond, sentence: str
) -> None:
    context.route("**/config.json", response)
    context.clock.install()
    page = context.new_page()
    page.goto(product.page)
    expect(page.get_by_role("alert")).to_contain_text(sentence)
    expect(page.get_by_text(RETRIES)).to_be_visible()
    context.unroute("**/config.json")
    context.clock.fast_forward(LATER)
    expect_value(page, product.stored_value())
    expect(page).to_have_title("Realtime counter")


@pytest.mark.parametrize("file", ["/start.js", "/assets/*.css", "/favicon.svg"])
def test_a_page_starts_without_a_file_that_it_can_do_without(
    context: BrowserContext, product: Product, file: str
) -> None:
    context.route(f"**{file}", lambda route: route.abort())
    page = context.new_page()
    page.goto(product.page)
    before = product.stored_value()
    expect_state(page, "open")
    click(page)
    product.expect_counted(before + 1, page)


@pytest.mark.parametrize("scripts", ["forbidden", "missing"])
def test_a_page_without_any_script_says_what_to_do(
    browser: Browser, product: Product, scripts: str
) -> None:
    with browser.new_context(java_script_enabled=scripts == "missing") as context:
        context.route("**/*.js", lambda route: route.abort())
        page = context.new_page()
        page.goto(product.page)
        sentence = "Allow JavaScript, check your connection, and reload the page."
        expect(page.get_by_text(sentence)).to_be_visible()


def test_a_browser_without_modules_says_that_it_is_too_old(
    visitor: BrowserContext, product: Product
) -> None:
    visitor.add_init_script("delete HTMLScriptElement.prototype.noModule")
    visitor.route(SCRIPT, lambda route: route.abort())
    page = visitor.new_page()
    page.goto(product.page)
    expect_sentence(page, FAILED)
