"""Clicks and the number on the screen, whatever happens between the page and the counter."""

import os
import random
import re
import signal
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from websockets.sync.client import ClientConnection

from .browser import launch
from .conftest import Product, eventually, request
from .fault_proxy import Fault, FaultProxy
from .pages import (
    QUICK,
    SECONDS,
    click,
    click_at_once,
    configure,
    expect_pending,
    expect_state,
    expect_value,
    record_texts,
)
from .processes import workers_of

OpenCounter = Callable[[], tuple[Page, int]]

INCREMENT = '{"action":"increment"}'
# The page finds the last two faults only after a deadline, so they are few. None: a plain reset.
FAULTS: list[Fault | None] = [
    *(14 * [Fault.RESET_AT_REQUEST] + 14 * [Fault.RESET_AT_RESPONSE] + 14 * [None]),
    *(4 * [Fault.BLACKHOLE] + 4 * [Fault.DROP_RESPONSE]),
]
CLICKS_BETWEEN = 4
LONGEST_SILENCE_SECONDS = 100  # web/src/client/response-timeout.ts: at most 90 s, and the handshake
CLICKS = len(FAULTS) * CLICKS_BETWEEN

# A browser without a screen never hides a tab by itself.
SET_HIDDEN = """(hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
BLOCK_EVENT_LOOP = (
    "(ms) => { const until = performance.now() + ms; while (performance.now() < until); }"
)


@pytest.mark.timeout(900)  # fifty faults take a minute, and several on a busy machine
@pytest.mark.parametrize("seed", [1])
def test_two_hundred_clicks_over_fifty_faults_count_once_each(
    open_counter: OpenCounter, quick_proxy: FaultProxy, product: Product, seed: int
) -> None:
    chance = random.Random(seed)
    tabs, before = [open_counter()[0], open_counter()[0]], product.stored_value()
    shown = [record_texts(tab.get_by_test_id("counter-value")) for tab in tabs]
    for fault in chance.sample(FAULTS, len(FAULTS)):
        # The page waits twice as long after each timeout, and learns how slow a busy machine is.
        eventually(lambda: quick_proxy.healthy > 0, seconds=LONGEST_SILENCE_SECONDS)
        if fault:
            quick_proxy.inject(fault)
        for _ in range(CLICKS_BETWEEN):
            tab = chance.choice(tabs)
            expect(tab.get_by_role("button", name="Increment")).to_be_enabled(
                timeout=LONGEST_SILENCE_SECONDS * SECONDS
            )
            click_at_once(tab)
            tab.wait_for_timeout(chance.uniform(0, 60))
        if not fault:
            quick_proxy.reset()
    assert (len(FAULTS), CLICKS) == (50, 200)
    product.expect_counted(before + CLICKS, *tabs, seconds=LONGEST_SILENCE_SECONDS)
    for values in shown:
        numbers = [int(value) for value in values()]
        assert numbers == sorted(numbers), "the number on the screen decreased"
    assert set(quick_proxy.injected) == set(Fault)


@pytest.mark.parametrize(
    "fault", [Fault.RESET_AT_REQUEST, Fault.RESET_AT_RESPONSE, Fault.BLACKHOLE]
)
def test_a_click_that_meets_a_fault_counts_once(
    quick_proxy: FaultProxy, open_counter: OpenCounter, product: Product, fault: Fault
) -> None:
    page, before = open_counter()
    quick_proxy.inject(fault)
    click(page)
    product.expect_counted(before + 1, page)
    assert quick_proxy.injected[:1] == [fault]


def test_a_page_on_a_slow_link_keeps_one_connection_and_counts_each_click_once(
    quick_proxy: FaultProxy, open_counter: OpenCounter, product: Product
) -> None:
    # The same ratio as a round trip of 12 s to a real deployment's timeout of 5 s.
    quick_proxy.latency = 12 / 5 * QUICK["acknowledgeMs"] / SECONDS
    page, before = open_counter()
    states = record_texts(page.get_by_test_id("connection-state"))
    click(page, 5)
    product.expect_counted(before + 5, page)
    page.wait_for_timeout(2 * QUICK["heartbeatMs"] + quick_proxy.latency * SECONDS)
    assert (states(), quick_proxy.accepted) == (["Connected"], 1)


def test_the_next_heartbeat_makes_up_for_a_lost_broadcast(
    quick_proxy: FaultProxy, open_counter: OpenCounter, client: ClientConnection
) -> None:
    page, before = open_counter()
    quick_proxy.inject(Fault.DROP_RESPONSE)
    request(client, INCREMENT)
    eventually(lambda: quick_proxy.injected == [Fault.DROP_RESPONSE])
    expect_value(page, before)
    # A busy machine delays it, but not until the heartbeat after the next.
    expect(page.get_by_test_id("counter-value")).to_have_text(
        str(before + 1), timeout=2 * QUICK["heartbeatMs"]
    )
    assert quick_proxy.accepted == 1, "the page opened a new connection"


def test_the_next_heartbeat_restores_a_missing_row(
    quick_proxy: FaultProxy, open_counter: OpenCounter, product: Product, client: ClientConnection
) -> None:
    rows = product.connection_ids()
    page, before = open_counter()
    product.delete_connections(product.connection_ids() - rows)
    for value in (before + 1, before + 2):
        request(client, INCREMENT)
        expect_value(page, value)
    assert quick_proxy.accepted == 1


def test_pending_clicks_survive_a_reload(
    quick_proxy: FaultProxy, open_counter: OpenCounter, product: Product
) -> None:
    page, before = open_counter()
    quick_proxy.block()
    click(page, 3)
    expect_pending(page, 3)
    page.reload()
    expect_pending(page, 3)
    click(page)
    expect_pending(page, 4)
    quick_proxy.unblock()
    expect_value(page, before + 4)
    expect_pending(page, 0)
    page.reload()
    product.expect_counted(before + 4, page)


def test_a_duplicated_tab_counts_no_click_twice(
    quick_proxy: FaultProxy, open_counter: OpenCounter, context: BrowserContext, product: Product
) -> None:
    page, before = open_counter()
    quick_proxy.block()
    click(page, 2)
    with context.expect_page() as opened:
        page.evaluate("window.open(location.href)")  # with a copy of its sessionStorage
    copy = opened.value
    expect_pending(copy, 2)
    for tab in (page, copy):
        click(tab)
        expect_pending(tab, 3)
    quick_proxy.unblock()
    product.expect_counted(before + 4, page, copy)


def test_a_page_follows_a_server_to_its_new_address(
    quick_proxy: FaultProxy, open_counter: OpenCounter, context: BrowserContext, product: Product
) -> None:
    page, before = open_counter()
    quick_proxy.block()
    click(page, 2)
    with FaultProxy.to(product.url) as other:
        configure(context, other.through(product.url), **QUICK)
        product.expect_counted(before + 2, page)
        assert other.accepted == 1


def test_a_page_replaces_its_connection_before_the_gateway_ends_it(
    proxy: FaultProxy, open_counter: OpenCounter, context: BrowserContext, product: Product
) -> None:
    rows = product.connection_ids()
    context.clock.install()
    page, before = open_counter()
    [old] = product.connection_ids() - rows
    states = record_texts(page.get_by_test_id("connection-state"))
    context.clock.fast_forward("01:55:00")
    eventually(lambda: proxy.accepted == 2)
    eventually(lambda: len(product.connection_ids() - rows - {old}) == 1)
    eventually(lambda: old not in product.connection_ids())
    click(page, 3)
    expect_value(page, before + 3)
    assert states() == ["Connected"], "the page was disconnected between its two connections"
    assert product.stored_value() == before + 3


def test_a_page_finds_a_dead_connection_when_it_is_shown_again(
    proxy: FaultProxy,
    open_counter: OpenCounter,
    context: BrowserContext,
    product: Product,
    client: ClientConnection,
) -> None:
    # The heartbeat of a real deployment comes too late to find the dead connection first.
    configure(context, proxy.through(product.url), reconnectMs=100, acknowledgeMs=800)
    page, before = open_counter()
    page.evaluate(SET_HIDDEN, True)
    proxy.inject(Fault.BLACKHOLE)
    request(client, INCREMENT)
    eventually(lambda: Fault.BLACKHOLE in proxy.injected)
    expect_value(page, before)
    page.evaluate(SET_HIDDEN, False)
    expect_value(page, before + 1)
    assert proxy.accepted == 2


def test_a_page_that_was_suspended_reads_responses_before_it_times_out(
    quick_proxy: FaultProxy, open_counter: OpenCounter, product: Product
) -> None:
    page, before = open_counter()
    click_at_once(page)
    # After a computer's sleep the deadline has passed, and the response is waiting to be read.
    page.evaluate(BLOCK_EVENT_LOOP, 2 * QUICK["acknowledgeMs"])
    product.expect_counted(before + 1, page)
    assert quick_proxy.accepted == 1, "the page replaced a healthy connection"


def test_a_page_returns_from_the_back_forward_cache(browser: Browser, product: Product) -> None:
    without = ["--disable-back-forward-cache"]  # which Playwright adds
    with launch(browser.browser_type, without) as caching:
        page = caching.new_context().new_page()
        rows = product.connection_ids()
        page.goto(product.page)
        before = product.stored_value()
        expect_value(page, before)
        page.evaluate("addEventListener('pageshow', (event) => { persisted = event.persisted })")
        page.goto(product.page.replace("/realtime-counter", "/nowhere"))
        eventually(lambda: product.connection_ids() <= rows)  # the page has closed its socket
        page.evaluate("history.back()")
        click(page)
        expect_value(page, before + 1)
        assert page.evaluate("persisted"), "the page was loaded again"
    assert product.stored_value() == before + 1


def test_a_page_that_was_offline_sends_its_clicks_once_online(
    proxy: FaultProxy, open_counter: OpenCounter, context: BrowserContext, product: Product
) -> None:
    page, before = open_counter()
    proxy.block()
    context.set_offline(True)
    expect_state(page, "waiting")
    click(page, 2)
    expect_pending(page, 2)
    proxy.unblock()
    context.set_offline(False)  # fires "online", which ends the pause before a reconnect
    expect_value(page, before + 2)
    assert product.stored_value() == before + 2


def test_killing_the_function_loses_no_click(
    quick_proxy: FaultProxy, open_counter: OpenCounter, product: Product
) -> None:
    page, before = open_counter()
    for _ in range(5):
        click_at_once(page, 3)
        workers = workers_of(product.process.pid)
        assert workers
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        click_at_once(page, 1)
        expect_pending(page, 0)
    product.expect_counted(before + 20, page)


def test_a_page_with_an_old_content_security_policy_reloads_once_a_minute_until_it_is_new(
    context: BrowserContext, product: Product
) -> None:
    # The page has the new address of the API and, from a cache, the policy for the old one.
    loads: list[str] = []
    origin = product.page.removesuffix("/realtime-counter")  # not 'self', which has its WebSocket

    def serve(route: Route) -> None:
        loads.append("new policy" if len(loads) == 2 else "old policy")
        if loads[-1] == "new policy":
            route.continue_()  # Chromium lets no document that Playwright made up use loopback
            return
        response = route.fetch()
        headers = response.headers | {"content-security-policy": f"connect-src {origin}"}
        route.fulfill(response=response, headers=headers)

    context.route("**/realtime-counter", serve)
    context.clock.install()
    page = context.new_page()
    page.goto(product.page)
    before = product.stored_value()
    for load in (1, 2):
        # Chromium may not report that a blocked handshake has ended.
        expect_state(page, re.compile("connecting|waiting"))
        click(page)
        expect_pending(page, load)
        context.clock.fast_forward("30")
        assert len(loads) == load, "the page reloaded within a minute"
        with page.expect_event("load"):
            context.clock.fast_forward("01:10")
    product.expect_counted(before + 2, page)
    assert loads == ["old policy", "old policy", "new policy"]
