"""Chromium tabs of the real page: they click, and what they show is recorded."""

import random
import threading

from playwright.sync_api import BrowserContext, Page, WebSocket

from counter_service.client import Update, messages
from counter_service.history.events import Clicked, Named
from counter_service.history.recorder import Recorder
from counter_service.runtime.core import protocol
from counter_service.runtime.core.protocol import Increment
from tests.e2e.browser import launched
from tests.e2e.pages import click_at_once, configure

from .clients import HEARTBEAT_SECONDS, RESPONSE_SECONDS

# Each change of the number, with its time in ms since the epoch.
RECORD = """(element) => {
    element.soak = [[Date.now(), element.textContent]];
    const watch = () => element.soak.push([Date.now(), element.textContent]);
    new MutationObserver(watch).observe(
        element, { characterData: true, childList: true, subtree: true });
}"""
TAKE = "(element) => element.soak.splice(0)"


class Tabs(threading.Thread):
    """Tabs in a thread of their own, because Playwright's calls block.

    Attributes:
        names: The names of the tabs in the history.
        shown: The value that each tab shows.
        connected: Whether every tab has an open connection.
        pending: Number of clicks that the server has not acknowledged.
        ready: Set when every tab shows a value.
        failure: The error that ended the thread, if there was one.
    """

    def __init__(self, page_url: str, api_url: str, recorder: Recorder, tabs: int) -> None:
        super().__init__(daemon=True)
        self.names = [f"tab {number}" for number in range(1, tabs + 1)]
        self.shown: dict[str, int] = {}
        self.connected = False
        self.ready = threading.Event()
        self.failure: BaseException | None = None
        self.clicking = threading.Event()
        self._ended = threading.Event()
        self._page_url = page_url
        self._api_url = api_url
        self._recorder = recorder
        self._attempted = 0
        self._named: set[str] = set()
        self._acknowledged: set[str] = set()

    @property
    def pending(self) -> int:
        return self._attempted - len(self._acknowledged)

    def end(self) -> None:
        self._ended.set()
        self.join(30)

    def run(self) -> None:
        try:
            with launched() as browser:
                self._use(browser.new_context())
        except Exception as failure:  # noqa: BLE001 -- the main thread raises it
            self.failure = failure
        finally:
            self.ready.set()

    def _use(self, context: BrowserContext) -> None:
        configure(
            context,
            self._api_url,
            reconnectMs=500,
            # The page adds up to half of it at random.
            acknowledgeMs=int(RESPONSE_SECONDS * 1000 / 1.5),
            heartbeatMs=int(HEARTBEAT_SECONDS * 1000),
        )
        pages = {name: self._open(context, name) for name in self.names}
        states: dict[str, str | None] = {}
        self.ready.set()
        while not self._ended.is_set():
            for name, page in pages.items():
                if self.clicking.is_set():
                    self._click(name, page)
                self._take(name, page)
                states[name] = page.get_by_test_id("connection-state").get_attribute("data-state")
                self.connected = all(states.get(each) == "open" for each in self.names)
                page.wait_for_timeout(random.uniform(50, 250))

    def _open(self, context: BrowserContext, name: str) -> Page:
        page = context.new_page()
        page.on("websocket", lambda socket: self._watch(name, socket))
        page.goto(self._page_url)
        page.locator("[data-known=true]").wait_for(timeout=30_000)
        page.get_by_test_id("counter-value").evaluate(RECORD)
        return page

    def _watch(self, name: str, socket: WebSocket) -> None:
        socket.on("framesent", lambda frame: self._sent(name, frame))
        socket.on("framereceived", lambda frame: self._received(name, frame))

    def _sent(self, name: str, frame: str | bytes) -> None:
        request = protocol.parse(frame if isinstance(frame, str) else None)
        if isinstance(request, Increment) and request.op_id and request.op_id not in self._named:
            self._named.add(request.op_id)
            self._recorder.record(Named(name, request.op_id))

    def _received(self, name: str, frame: str | bytes) -> None:
        match messages.parse(frame):
            case Update(int(value), str(op_id)) if op_id not in self._acknowledged:
                self._acknowledged.add(op_id)
                self._recorder.acknowledge(name, op_id, value)

    def _click(self, name: str, page: Page) -> None:
        if not page.get_by_role("button", name="Increment").is_enabled():
            return  # the queue is full
        self._attempted += 1
        self._recorder.record(Clicked(name, None))
        click_at_once(page)

    def _take(self, name: str, page: Page) -> None:
        for at_ms, text in page.get_by_test_id("counter-value").evaluate(TAKE):
            if text.isdecimal():
                self.shown[name] = int(text)
                self._recorder.display(name, int(text), at_ms / 1000)
