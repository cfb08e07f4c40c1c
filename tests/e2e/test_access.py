"""Who may connect and how fast they click, over real handshakes."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from counter_service.local.deployment import deploy
from counter_service.local.emulator import MiniStack
from counter_service.local.errors import LocalError
from counter_service.local.overrides import with_local_overrides
from counter_service.paths import ROOT
from counter_service.program import qualified, stack_config
from tests.unit.issuer import Issuer, ec_key

from .browser import launched
from .conftest import Product, ask, command, receive, running
from .issuer import serving
from .pages import click_at_once, expect_pending, expect_value

ALLOWED = "https://partner.example"
GET_CURRENT = '{"action":"get-current"}'


def open_socket(
    product: Product,
    origin: str | None,
    *,
    query: str = "",
    subprotocols: tuple[str, ...] = (),
) -> ClientConnection:
    return connect(
        product.url + query,
        origin=Origin(origin) if origin else None,
        subprotocols=[Subprotocol(name) for name in subprotocols] or None,
        proxy=None,
    )


def status_of(product: Product, origin: str | None, query: str = "") -> int:
    """101 for a socket that answers."""
    try:
        with open_socket(product, origin, query=query) as client:
            assert ask(client, GET_CURRENT)["type"] == "counter-update"
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


# --- origins ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:5173", 101),
        ("https://127.0.0.1", 101),
        (None, 101),
        ("null", 101),
        ("https://evil.test", 403),
        ("http://localhost.evil.test", 403),
        ("http://localhost@evil.test", 403),
    ],
)
def test_in_development_localhost_and_programs_may_connect(
    product: Product, origin: str | None, status: int
) -> None:
    rows = product.connection_ids()
    assert status_of(product, origin) == status
    if status == 403:
        assert product.connection_ids() <= rows


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """As in production: named pages alone, and one click a second."""
    values = [
        "allowLocalhost=false",
        "allowMissingOrigin=false",
        f'allowedOrigins=["{ALLOWED}"]',
        "clicksPerSecond=1",
    ]
    arguments = [argument for value in values for argument in ("--config", value)]
    with running(tmp_path_factory.mktemp("strict"), *arguments) as product:
        yield product


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (ALLOWED, 101),
        (f"{ALLOWED}:443", 101),
        (f"{ALLOWED}.evil.test", 403),
        (ALLOWED.replace("https", "http"), 403),
        ("http://localhost:5173", 403),
        (None, 403),
        ("null", 403),
    ],
)
def test_in_production_named_pages_alone_may_connect(
    strict: Product, origin: str | None, status: int
) -> None:
    assert status_of(strict, origin) == status


def test_the_page_that_the_run_serves_may_connect(strict: Product) -> None:
    assert status_of(strict, strict.page.removesuffix("/realtime-counter")) == 101


def test_a_key_that_does_not_exist_ends_the_run(tmp_path: Path) -> None:
    result = subprocess.run(
        command(tmp_path, "--config", "throtleRate=5"),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr == (
        "error: Configuration: throtleRate is not a key that Pulumi.yaml declares.\n"
    )


# --- clicks -------------------------------------------------------------------------------------


def test_clicks_beyond_the_limit_are_answered_and_not_counted(strict: Product) -> None:
    before = strict.stored_value()
    with open_socket(strict, ALLOWED) as client:
        for _ in range(30):
            client.send('{"action":"increment"}')
        answers = [receive(client) for _ in range(30)]
    counted = [answer["value"] for answer in answers if answer["type"] == "counter-update"]
    refused = [answer["code"] for answer in answers if answer["type"] == "error"]
    assert counted == list(range(before + 1, before + 1 + len(counted)))
    assert set(refused) == {"too-many-clicks"}
    assert strict.stored_value() == before + len(counted)


def test_a_page_sends_clicks_beyond_the_limit_again(strict: Product) -> None:
    before = strict.stored_value()
    with launched() as browser:
        page = browser.new_page()
        page.goto(strict.page)
        expect_value(page, before)
        click_at_once(page, 5)
        expect_pending(page, 0, seconds=60)
        expect_value(page, before + 5)
        page.close()
    assert strict.stored_value() == before + 5


# --- tokens -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with (
        serving(tmp_path_factory.mktemp("issuer")) as (issuer, certificate),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("SSL_CERT_FILE", str(certificate))
        yield issuer


@pytest.fixture(scope="module")
def guarded(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """With authentication, by the packages of make vendor-here."""
    values = [f"authIssuer={issuer.url}", "authAudience=counter"]
    arguments = [argument for value in values for argument in ("--config", value)]
    with running(tmp_path_factory.mktemp("guarded"), *arguments) as product:
        yield product


def query(token: str) -> str:
    return "?" + urlencode({"token": token})


def test_a_token_opens_the_door(guarded: Product, issuer: Issuer) -> None:
    assert status_of(guarded, None, query(issuer.token())) == 101
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


def test_a_token_may_come_as_a_subprotocol(guarded: Product, issuer: Issuer) -> None:
    offer = ("counter", f"bearer.{issuer.token()}")
    with open_socket(guarded, None, subprotocols=offer) as client:
        assert ask(client, GET_CURRENT)["type"] == "counter-update"


def test_without_a_good_token_it_stays_shut(guarded: Product, issuer: Issuer) -> None:
    rows = guarded.connection_ids()
    bad = [issuer.token(aud="another"), issuer.token(exp=1), issuer.token(key=ec_key()), "x", ""]
    # API Gateway answers with the function's 401; the emulator has 403 for every refusal.
    assert [status_of(guarded, None, query(token)) for token in bad] == [403] * len(bad)
    assert status_of(guarded, None) == 403
    assert guarded.connection_ids() <= rows


def test_a_token_does_not_help_a_foreign_page(guarded: Product, issuer: Issuer) -> None:
    assert status_of(guarded, "https://evil.test", query(issuer.token())) == 403


def test_the_page_takes_its_token_from_the_address(guarded: Product, issuer: Issuer) -> None:
    with launched() as browser:
        page = browser.new_page()
        state = page.get_by_test_id("connection-state")
        page.goto(f"{guarded.page}#token={issuer.token()}")
        expect(state).to_have_attribute("data-state", "open", timeout=15_000)
        assert page.url == guarded.page
        page.reload()
        expect(state).to_have_attribute("data-state", "open", timeout=15_000)
        page.close()


def test_a_function_that_does_not_start_ends_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "counter_service.runtime.contract.HANDLER", "counter_service.nowhere.handle"
    )
    auth = {"authIssuer": "https://login.example.com", "authAudience": "counter"}
    config = stack_config("dev") | {qualified(key): value for key, value in auth.items()}
    with (
        MiniStack("eu-central-1", tmp_path / "ministack.log") as emulator,
        pytest.raises(LocalError, match=r"The deployed function does not start: .*nowhere"),
    ):
        deploy(emulator, "dev", with_local_overrides(config, "http://127.0.0.1:8080"))


def test_nothing_of_a_token_is_in_the_log(guarded: Product, issuer: Issuer) -> None:
    good, bad = issuer.token(), issuer.token(aud="another")
    for token in (good, bad):
        status_of(guarded, None, query(token))
    log = (guarded.folder / "ministack.log").read_text()
    assert [part for token in (good, bad) for part in token.split(".")[1:] if part in log] == []
