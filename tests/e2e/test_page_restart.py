"""The whole backend restarts while a page is open."""

import signal
from contextlib import ExitStack, closing
from pathlib import Path

import psutil

from counter_service.local.deployment import deploy
from counter_service.local.emulator import MiniStack
from counter_service.local.overrides import with_local_overrides
from counter_service.local.site import Site
from counter_service.paths import ROOT
from counter_service.program import stack_config

from .browser import launched
from .pages import (
    QUICK,
    click,
    click_at_once,
    configure,
    expect_pending,
    expect_state,
    expect_value,
)

REGION = "eu-central-1"


class PersistentMiniStack(MiniStack):
    """Saves its state to its folder when it ends, and loads it when it starts."""

    def _environment(self, scratch: str) -> dict[str, str]:
        persistence = {"PERSIST_STATE": "1", "STATE_DIR": str(self.log_file.parent / "state")}
        return super()._environment(scratch) | persistence

    def _stop(self) -> None:
        try:
            if self._process and self._process.poll() is None:
                self._process.send_signal(signal.SIGINT)
                # MiniStack saves its state after its function has ended. The function cannot reach
                # DynamoDB any more, and would try to release its lease for 16 s.
                for worker in psutil.Process(self._process.pid).children(recursive=True):
                    worker.kill()
                assert self._process.wait(30) == 0
        finally:
            super()._stop()


def test_a_restart_of_the_server_loses_no_click(tmp_path: Path) -> None:
    with closing(Site(ROOT / "web" / "dist", 0)) as site, ExitStack() as open_ended:
        with PersistentMiniStack(REGION, tmp_path) as emulator:
            config = with_local_overrides(stack_config("dev"), site.url)
            url = deploy(emulator, "dev", config, site.url).outputs["WebSocketApiEndpoint"]
            # After the deployment, because Playwright and the deployment each have an event loop.
            page = open_ended.enter_context(launched()).new_page()
            configure(page.context, url, **QUICK)
            with site.serving(url):
                page.goto(f"{site.url}/realtime-counter")
                expect_value(page, 0)
                click(page, 3)
                expect_value(page, 3)
                click_at_once(page, 4)  # which may be anywhere when the server ends
        expect_state(page, "waiting")
        click(page, 2)
        with PersistentMiniStack(REGION, tmp_path, port=emulator.port) as again:
            expect_value(page, 9)
            expect_pending(page, 0)
            row = again.client("dynamodb").get_item(
                TableName="aes_counter_state-dev", Key={"id": {"S": "global"}}, ConsistentRead=True
            )
            assert row["Item"]["value"] == {"N": "9"}
