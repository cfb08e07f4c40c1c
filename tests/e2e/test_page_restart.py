"""The gateway, the function and the tables go down and come up again, with a page open."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from playwright.sync_api import Page

from counter_service.local.deployment import deploy
from counter_service.local.emulator import MiniStack
from counter_service.local.overrides import with_local_overrides
from counter_service.local.site import Site
from counter_service.paths import ROOT
from counter_service.program import stack_config

from .browser import launched
from .conftest import QUICK
from .pages import click, click_at_once, expect_pending, expect_state, expect_value

REGION = "eu-central-1"


class LastingEmulator(MiniStack):
    """Ends as by Ctrl-C, and then keeps in a folder what the next one on it begins with."""

    folder: Path

    def _environment(self, scratch: str) -> dict[str, str]:
        lasting = {"PERSIST_STATE": "1", "STATE_DIR": str(self.folder)}
        return super()._environment(scratch) | lasting

    def _stop(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
        super()._stop()


@contextmanager
def running(folder: Path, port: int | None = None) -> Iterator[LastingEmulator]:
    emulator = LastingEmulator(REGION, folder, port=port)
    emulator.folder = folder / "state"
    with emulator:
        yield emulator


def stored_value(emulator: MiniStack) -> int:
    dynamodb = emulator.session().client("dynamodb", endpoint_url=emulator.endpoint)
    row = dynamodb.get_item(
        TableName="aes_counter_state-dev", Key={"id": {"S": "global"}}, ConsistentRead=True
    )
    return int(row["Item"]["value"]["N"])


def test_a_server_that_restarts_costs_no_click(tmp_path: Path) -> None:
    with closing(Site(ROOT / "web" / "dist", 0)) as site, ExitStack() as open_ended:
        with running(tmp_path) as emulator:
            config = with_local_overrides(stack_config("dev"), site.url)
            url = deploy(emulator, "dev", config, site.url).outputs["WebSocketApiEndpoint"]
            # Not before: the deployment and Playwright each have an event loop of their own.
            page = open_ended.enter_context(launched()).new_page()
            connect_there(page, url)
            with site.serving({}):
                page.goto(f"{site.url}/realtime-counter")
                expect_value(page, 0)
                click(page, 3)
                expect_value(page, 3)
                click_at_once(page, 4)  # which may be anywhere when it goes down
        expect_state(page, "waiting")
        click(page, 2)
        with running(tmp_path, emulator.port) as again:
            expect_value(page, 9)
            expect_pending(page, 0)
            assert stored_value(again) == 9


def connect_there(page: Page, url: str) -> None:
    config = json.dumps({"webSocketUrl": url, **QUICK})
    page.route(
        "**/config.json", lambda route: route.fulfill(body=config, content_type="application/json")
    )
