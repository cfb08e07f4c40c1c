"""Takes the pictures of the documentation: `python -m tests.e2e.screenshots FOLDER`."""

import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, expect

from .browser import launched
from .conftest import Product, running

CLICKS = 42


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch, running(Path(scratch)) as product:
        with product.connect() as client:
            for _ in range(CLICKS):
                client.send('{"action":"increment"}')
                client.recv(timeout=10)
        with launched() as browser:
            for scheme in ("light", "dark"):
                take(browser, product, scheme, folder / f"page-{scheme}.png")


def take(
    browser: Browser, product: Product, scheme: Literal["light", "dark"], picture: Path
) -> None:
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": 720, "height": 480}, device_scale_factor=2
    )
    page = context.new_page()
    page.goto(product.page)
    expect(page.get_by_test_id("connection-state")).to_have_attribute("data-state", "open")
    expect(page.get_by_test_id("counter-value")).to_have_text(str(CLICKS))
    page.screenshot(path=str(picture), animations="disabled")
    context.close()
    print(picture)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
