"""Takes the pictures of the documentation: `python -m tests.e2e.screenshots FOLDER`."""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from .browser import launched
from .conftest import Product, request, running
from .states import STATES, Arrange, Scheme, visiting

# Clicks of other clients, for each second before the picture is taken.
CLICKS = (1, 3, 2, 5, 4, 2, 1, 0, 2, 4, 6, 3, 2, 1, 3, 2, 0, 1)
DESKTOP = (720, 640)
WITH_A_NOTICE = (720, 760)
PHONE = (375, 667)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as scratch,
        running(Path(scratch)) as product,
        launched() as browser,
    ):
        with (
            visiting(browser, product, "light", DESKTOP) as (light, _),
            visiting(browser, product, "dark", DESKTOP) as (dark, _),
        ):
            count(product, light)
            take(light, folder / "page-light.png")
            take(dark, folder / "page-dark.png")
        for state in ("reconnecting", "full", "given up"):
            picture = folder / f"page-{state.replace(' ', '-')}.png"
            take_state(browser, product, "light", WITH_A_NOTICE, STATES[state], picture)
        phone = folder / "page-phone.png"
        take_state(browser, product, "dark", PHONE, STATES["reconnecting"], phone)


def count(product: Product, page: Page) -> None:
    with product.connect() as client:
        for clicks in CLICKS:
            for _ in range(clicks):
                request(client, '{"action":"increment"}')
            page.wait_for_timeout(1000)


def take_state(
    browser: Browser,
    product: Product,
    scheme: Scheme,
    size: tuple[int, int],
    arrange: Arrange,
    picture: Path,
) -> None:
    with visiting(browser, product, scheme, size) as (page, proxy):
        arrange(page, proxy)
        take(page, picture)


def take(page: Page, picture: Path) -> None:
    expect(page.get_by_test_id("counter-value")).to_have_text(str(sum(CLICKS)))
    page.screenshot(path=str(picture), animations="disabled")
    print(picture)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
