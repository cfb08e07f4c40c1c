"""Which clients may connect and how fast they may click, over real handshakes."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from http import HTTPStatus
from threading import Thread
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request, Response
from websockets.sync.client import ClientConnection, connect
from websockets.sync.connection import Connection
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Origin, Subprotocol

from tests.unit.issuer import Issuer, ec_key

from .browser import launched
from .conftest import Product, receive, request, running
from .issuer import serving
from .pages import click_at_once, configure, expect_state, expect_value

ALLOWED = "https://partner.example"
MAX_URL = 4096  # characters of a URL that API Gateway accepts


def open_socket(
    product: Product, origin: str | None, query: str = "", subprotocols: tuple[str, ...] = ()
) -> ClientConnection:
    return connect(
        product.url + query,
        origin=Origin(origin) if origin else None,
        subprotocols=[Subprotocol(name) for name in subprotocols] or None,
        proxy=None,
    )


def handshake_status(
    product: Product, origin: str | None, query: str = "", subprotocols: tuple[str, ...] = ()
) -> int:
    """Status of the handshake's response. It is 101 only if the function serves the connection."""
    try:
        with open_socket(product, origin, query, subprotocols) as client:
            assert request(client, '{"action":"get-current"}')["type"] == "counter-update"
            return 101
    except InvalidStatus as rejected:
        return rejected.response.status_code


def running_with(folders: pytest.TempPathFactory, **config: str) -> AbstractContextManager[Product]:
    options = [f"--config={key}={value}" for key, value in config.items()]
    return running(folders.mktemp("product"), *options)


# --- origins. tests/unit/test_origins.py has every spelling. ------------------------------------


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:5173", 101),
        (None, 101),
        ("null", 101),
        ("https://evil.test", 403),
        ("http://localhost.evil.test", 403),
    ],
)
def test_development_admits_localhost_and_programs_and_stores_no_row_for_others(
    product: Product, origin: str | None, status: int
) -> None:
    rows = product.connection_ids()
    assert handshake_status(product, origin) == status
    if status == 403:
        assert product.connection_ids() <= rows


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Production's rules: only named pages may connect, and they may click once a second."""
    with running_with(
        tmp_path_factory,
        allowLocalhost="false",
        allowMissingOrigin="false",
        allowedOrigins=f'["{ALLOWED}"]',
        clicksPerSecond="1",
    ) as product:
        yield product


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (ALLOWED, 101),
        (ALLOWED.replace("https", "http"), 403),
        ("http://localhost:5173", 403),
        (None, 403),
        ("null", 403),
    ],
)
def test_production_admits_only_named_pages(
    strict: Product, origin: str | None, status: int
) -> None:
    assert handshake_status(strict, origin) == status


def test_the_page_of_an_origin_that_may_not_connect_shows_which_setting_to_check(
    strict: Product,
) -> None:
    # The page bypasses the local site, which would forward the handshake under its own origin.
    with launched() as browser, browser.new_context() as context:
        configure(context, strict.emulated_url)
        page = context.new_page()
        page.goto(strict.page.replace("127.0.0.1", "localhost"))
        note = page.get_by_test_id("rejected")
        origin = page.evaluate("location.origin")
        assert origin.startswith("http://localhost:")
        expect(note).to_contain_text(f"from this page, which is at {origin}.", timeout=30_000)
        expect(note).to_contain_text("allowedOrigins")


# --- clicks -------------------------------------------------------------------------------------


def test_clicks_beyond_the_limit_get_an_error_and_do_not_count(strict: Product) -> None:
    before = strict.stored_value()
    with open_socket(strict, ALLOWED) as client:
        for _ in range(8):
            client.send('{"action":"increment"}')
        responses = [receive(client) for _ in range(8)]
    counted = [each["value"] for each in responses if each["type"] == "counter-update"]
    rejected = [each["code"] for each in responses if each["type"] == "error"]
    assert counted == list(range(before + 1, before + 1 + len(counted)))
    assert set(rejected) == {"too-many-clicks"}
    assert strict.stored_value() == before + len(counted)


def test_a_connection_that_floods_is_closed(strict: Product) -> None:
    with open_socket(strict, ALLOWED) as client:

        def flood() -> None:
            for _ in range(1000):
                client.send('{"action":"get-current"}')
                client.recv(timeout=10)

        with pytest.raises(ConnectionClosed):
            flood()


def test_the_page_of_the_local_run_retries_clicks_beyond_the_limit(strict: Product) -> None:
    before = strict.stored_value()
    with launched() as browser:
        page = browser.new_page()
        page.goto(strict.page)
        expect_value(page, before)
        click_at_once(page, 5)
        strict.expect_counted(before + 5, page, seconds=60)


# --- tokens -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Issuer]:
    with (
        serving(tmp_path_factory.mktemp("issuer")) as (issuer, trusted),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("SSL_CERT_FILE", str(trusted))
        yield issuer


@pytest.fixture(scope="module")
def guarded(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A product with authentication, with the packages of `make vendor-auth-local`."""
    with running_with(tmp_path_factory, authIssuer=issuer.url, authAudience="counter") as product:
        yield product


def query(token: str) -> str:
    return "?" + urlencode({"token": token})


def test_a_client_connects_with_a_token_in_the_query_or_as_a_subprotocol(
    guarded: Product, issuer: Issuer
) -> None:
    assert handshake_status(guarded, None, query(issuer.token())) == 101
    offer = ("counter", f"bearer.{issuer.token()}")
    assert handshake_status(guarded, None, subprotocols=offer) == 101
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]


def test_a_client_without_a_valid_token_or_origin_is_rejected(
    guarded: Product, issuer: Issuer
) -> None:
    rows = guarded.connection_ids()
    bad = [issuer.token(aud="another"), issuer.token(exp=1), issuer.token(key=ec_key()), "x", ""]
    # API Gateway passes on the function's 401. The emulator sends 403 for every rejection.
    assert [handshake_status(guarded, None, query(token)) for token in bad] == [403] * len(bad)
    assert handshake_status(guarded, None) == 403
    assert handshake_status(guarded, "https://evil.test", query(issuer.token())) == 403
    assert guarded.connection_ids() <= rows


def test_the_page_takes_its_token_from_the_address_and_keeps_it_for_a_reload(
    guarded: Product, issuer: Issuer
) -> None:
    with launched() as browser:
        page = browser.new_page()
        page.goto(f"{guarded.page}#token={issuer.token()}")
        expect_state(page, "open")
        expect(page).to_have_url(guarded.page)
        page.reload()
        expect_state(page, "open")


@contextmanager
def gateway(product: Product) -> Iterator[str]:
    """A server in front of the emulator whose responses name a subprotocol, as API Gateway's do.

    Yields its URL. Like API Gateway it rejects a URL of more than 4,096 characters.
    """

    def check_url(client: ServerConnection, request: Request) -> Response | None:
        too_long = len(request.path) > MAX_URL
        return client.respond(HTTPStatus.REQUEST_URI_TOO_LONG, "") if too_long else None

    def relay(client: ServerConnection) -> None:
        assert client.request
        headers = client.request.headers
        offered = headers["Sec-WebSocket-Protocol"].split(", ")
        with open_socket(product, headers["Origin"], subprotocols=tuple(offered)) as server:
            responses = Thread(target=copy, args=(server, client))
            responses.start()
            copy(client, server)
        responses.join()

    def copy(source: Connection, sink: Connection) -> None:
        for message in source:
            sink.send(message)

    with serve(
        relay,
        "127.0.0.1",
        0,
        subprotocols=[Subprotocol("counter")],
        process_request=check_url,
    ) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/prod"
        server.shutdown()
    thread.join()


def test_the_page_offers_a_token_that_is_too_long_for_a_url_as_a_subprotocol(
    guarded: Product, issuer: Issuer
) -> None:
    before = guarded.stored_value()
    token = issuer.token(groups=[f"group-{number}" for number in range(300)])
    assert len(token) > MAX_URL
    with gateway(guarded) as url, launched() as browser:
        page = browser.new_page()
        page.route("**/config.json", lambda route: route.fulfill(json={"webSocketUrl": url}))
        with page.expect_websocket() as opened:
            page.goto(f"{guarded.page}#token={token}")
        assert opened.value.url == url
        expect_value(page, before)
        click_at_once(page)
        guarded.expect_counted(before + 1, page)


def test_the_page_asks_for_a_new_sign_in_when_its_token_has_other_characters(
    guarded: Product,
) -> None:
    with launched() as browser:
        page = browser.new_page()
        page.goto(f"{guarded.page}#token=a%20b")
        expect(page.get_by_role("alert")).to_have_text(
            "The token of this page has characters that no token may have. "
            "Sign in again to get a new one."
        )


def test_the_log_has_no_part_of_a_token(guarded: Product, issuer: Issuer) -> None:
    tokens = (issuer.token(), issuer.token(aud="another"))
    for token in tokens:
        handshake_status(guarded, None, query(token))
    log = (guarded.folder / "ministack.log").read_text(encoding="utf-8")
    assert [part for token in tokens for part in token.split(".")[1:] if part in log] == []
