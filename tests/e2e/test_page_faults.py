"""Clicks and the number on the screen, whatever happens between the page and the counter."""

import os
import random
import signal
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from websockets.sync.client import ClientConnection

from .browser import launch
from .cable import Cable, Fate
from .conftest import QUICK, Product, ask, eventually
from .pages import (
    SECONDS,
    click,
    click_at_once,
    connect_through,
    expect_pending,
    expect_state,
    expect_value,
    seen,
)
from .processes import workers_of

OpenTab = Callable[..., Page]

# What nobody notices takes until the deadline, and the test the longer. None: a plain cut.
CUTS: list[Fate | None] = [
    *(14 * [Fate.LOSE_REQUEST] + 14 * [Fate.LOSE_ANSWER] + 14 * [None]),
    *(4 * [Fate.SILENT] + 4 * [Fate.SWALLOW_ANSWER]),
]
CLICKS_BETWEEN = 4
CLICKS = len(CUTS) * CLICKS_BETWEEN


@pytest.mark.parametrize("seed", [1])
def test_two_hundred_clicks_over_fifty_cuts(
    open_tab: OpenTab, quick_cable: Cable, product: Product, seed: int
) -> None:
    chance = random.Random(seed)
    before = product.stored_value()
    tabs = [open_tab(), open_tab()]
    for tab in tabs:
        expect_state(tab, "open")
        expect_value(tab, before)
    shown = [seen(tab, "counter-value") for tab in tabs]
    for fate in chance.sample(CUTS, len(CUTS)):
        # At least one tab has a connection that nothing has befallen yet.
        eventually(lambda: quick_cable.sound > 0)
        if fate:
            quick_cable.doom(fate)
        for _ in range(CLICKS_BETWEEN):
            tab = chance.choice(tabs)
            expect(tab.get_by_role("button", name="Increment")).to_be_enabled(timeout=60 * SECONDS)
            click_at_once(tab)
            tab.wait_for_timeout(chance.uniform(0, 60))
        if not fate:
            quick_cable.drop()
    assert (len(CUTS), CLICKS) == (50, 200)
    for tab in tabs:
        expect_pending(tab, 0, seconds=60)
        expect_value(tab, before + CLICKS)
    for values in shown:
        numbers = [int(value) for value in values()]
        assert numbers == sorted(numbers), "the number on the screen went back"
    assert product.stored_value() == before + CLICKS
    assert set(quick_cable.met) == set(Fate)


@pytest.mark.parametrize("fate", [Fate.LOSE_REQUEST, Fate.LOSE_ANSWER, Fate.SILENT])
def test_a_click_whose_way_is_cut_counts_once(
    open_tab: OpenTab, quick_cable: Cable, product: Product, fate: Fate
) -> None:
    page = open_tab()
    expect_state(page, "open")
    before = product.stored_value()
    expect_value(page, before)
    quick_cable.doom(fate)
    click(page)
    expect_value(page, before + 1)
    expect_pending(page, 0)
    assert quick_cable.met[:1] == [fate]
    assert product.stored_value() == before + 1


def test_a_lost_broadcast_is_made_good_by_the_next_heartbeat(
    open_tab: OpenTab, quick_cable: Cable, product: Product, client: ClientConnection
) -> None:
    page = open_tab()
    before = product.stored_value()
    expect_value(page, before)
    quick_cable.doom(Fate.SWALLOW_ANSWER)
    ask(client, '{"action":"increment"}')
    eventually(lambda: quick_cable.met == [Fate.SWALLOW_ANSWER])
    expect_value(page, before)
    one_heartbeat = QUICK["heartbeatMs"] + QUICK["acknowledgeMs"]
    expect(page.get_by_test_id("counter-value")).to_have_text(
        str(before + 1), timeout=one_heartbeat
    )
    assert quick_cable.accepted == 1, "it did not even need a new connection"


def test_a_page_whose_row_is_gone_gets_it_back_by_the_next_heartbeat(
    open_tab: OpenTab, quick_cable: Cable, product: Product, client: ClientConnection
) -> None:
    rows = product.connection_ids()
    page = open_tab()
    before = product.stored_value()
    expect_value(page, before)
    for row in product.connection_ids() - rows:
        product.dynamodb().delete_item(
            TableName=product.outputs["ConnectionsTableName"], Key={"connectionId": {"S": row}}
        )
    ask(client, '{"action":"increment"}')
    expect_value(page, before + 1)
    ask(client, '{"action":"increment"}')
    expect_value(page, before + 2)
    assert quick_cable.accepted == 1


def test_clicks_outlive_a_reload(open_tab: OpenTab, quick_cable: Cable, product: Product) -> None:
    page = open_tab()
    before = product.stored_value()
    expect_value(page, before)
    quick_cable.cut()
    click(page, 3)
    expect_pending(page, 3)
    page.reload()
    expect_pending(page, 3)
    click(page)
    expect_pending(page, 4)
    quick_cable.mend()
    expect_value(page, before + 4)
    expect_pending(page, 0)
    page.reload()
    expect_value(page, before + 4)
    assert product.stored_value() == before + 4


def test_a_duplicated_tab_counts_nothing_twice(
    open_tab: OpenTab, context: BrowserContext, quick_cable: Cable, product: Product
) -> None:
    page = open_tab()
    before = product.stored_value()
    expect_value(page, before)
    quick_cable.cut()
    click(page, 2)
    with context.expect_page() as opened:
        page.evaluate("window.open(location.href)")  # with a copy of its sessionStorage
    copy = opened.value
    expect_pending(copy, 2)
    for tab in (page, copy):
        click(tab)
        expect_pending(tab, 3)
    quick_cable.mend()
    for tab in (page, copy):
        expect_value(tab, before + 4)
        expect_pending(tab, 0)
    assert product.stored_value() == before + 4


def test_a_page_whose_server_has_moved_follows_it(
    open_tab: OpenTab, context: BrowserContext, quick_cable: Cable, product: Product
) -> None:
    page = open_tab()
    before = product.stored_value()
    expect_value(page, before)
    quick_cable.cut()
    click(page, 2)
    with Cable.to(product.url) as other:
        connect_through(context, other, product.url, **QUICK)
        expect_value(page, before + 2)
        expect_pending(page, 0)
        assert other.accepted == 1
    assert product.stored_value() == before + 2


def test_a_page_moves_to_a_new_connection_before_the_old_one_must_end(
    open_tab: OpenTab, context: BrowserContext, cable: Cable, product: Product
) -> None:
    rows = product.connection_ids()
    context.clock.install()
    page = open_tab()
    before = product.stored_value()
    expect_value(page, before)
    [old] = product.connection_ids() - rows
    states = seen(page, "connection-state")
    context.clock.fast_forward("01:55:00")
    eventually(lambda: cable.accepted == 2)
    eventually(lambda: len(product.connection_ids() - rows - {old}) == 1)
    eventually(lambda: old not in product.connection_ids())
    click(page, 3)
    expect_value(page, before + 3)
    assert states() == ["Connected"], "there was a gap"
    assert product.stored_value() == before + 3


def test_a_dead_connection_is_found_when_the_page_is_looked_at_again(
    open_tab: OpenTab, context: BrowserContext, product: Product, client: ClientConnection
) -> None:
    with Cable.to(product.url) as cable:
        # With the heartbeat of a real deployment: it cannot be what finds it.
        connect_through(context, cable, product.url, reconnectMs=100, acknowledgeMs=800)
        page = open_tab()
        before = product.stored_value()
        expect_value(page, before)
        page.evaluate(HIDE, True)
        cable.doom(Fate.SILENT)
        ask(client, '{"action":"increment"}')
        eventually(lambda: Fate.SILENT in cable.met)
        expect_value(page, before)
        page.evaluate(HIDE, False)
        expect_value(page, before + 1)
        assert cable.accepted == 2


# A browser without a screen hides no tab of its own accord.
HIDE = """(hidden) => {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
BUSY = "(ms) => { const until = performance.now() + ms; while (performance.now() < until); }"


def test_a_page_that_was_held_up_reads_before_it_judges(
    open_tab: OpenTab, quick_cable: Cable, product: Product
) -> None:
    page = open_tab()
    before = product.stored_value()
    expect_value(page, before)
    click_at_once(page)
    # As after sleep: the deadline has passed, and the answer is waiting to be read.
    page.evaluate(BUSY, 2 * QUICK["acknowledgeMs"])
    expect_value(page, before + 1)
    expect_pending(page, 0)
    assert quick_cable.accepted == 1, "it took a healthy connection for a dead one"
    assert product.stored_value() == before + 1


def test_a_page_leaves_for_the_back_forward_cache_and_returns(
    browser: Browser, product: Product
) -> None:
    without = ["--disable-back-forward-cache"]  # which Playwright adds
    with launch(browser.browser_type, without) as caching:
        context = caching.new_context()
        page = context.new_page()
        rows = product.connection_ids()
        page.goto(product.page)
        before = product.stored_value()
        expect_value(page, before)
        page.evaluate("addEventListener('pageshow', (event) => { persisted = event.persisted })")
        page.goto(product.page.replace("/realtime-counter", "/nowhere"))
        eventually(lambda: product.connection_ids() <= rows)  # it has closed its socket
        page.evaluate("history.back()")
        click(page)
        expect_value(page, before + 1)
        assert page.evaluate("persisted"), "it was loaded anew"
    assert product.stored_value() == before + 1


def test_a_browser_that_goes_offline_and_comes_back(
    open_tab: OpenTab, context: BrowserContext, cable: Cable, product: Product
) -> None:
    page = open_tab()
    before = product.stored_value()
    expect_value(page, before)
    cable.cut()
    context.set_offline(True)
    expect_state(page, "waiting")
    click(page, 2)
    expect_pending(page, 2)
    cable.mend()
    context.set_offline(False)  # fires "online", for which the page does not wait out its pause
    expect_value(page, before + 2)
    assert product.stored_value() == before + 2


def test_a_function_that_is_killed_costs_no_click(
    open_tab: OpenTab, quick_cable: Cable, product: Product
) -> None:
    page = open_tab()
    before = product.stored_value()
    expect_value(page, before)
    for _ in range(5):
        click_at_once(page, 3)
        workers = workers_of(product.process.pid)
        assert workers
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        click_at_once(page, 1)
        expect_pending(page, 0)
    expect_value(page, before + 20)
    assert product.stored_value() == before + 20
