"""The hosted page: what its bucket has, and how its distribution responds.

The emulator signs the distribution's requests and checks them against the bucket policy, runs the
function before a request, and adds the headers. It caches nothing.
"""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import expect

from counter_service.infra import site_files
from counter_service.paths import ROOT

from .browser import launched
from .conftest import Product
from .pages import click, expect_value

DIST = ROOT / "web" / "dist"


@pytest.fixture(scope="module")
def bucket(product: Product) -> str:
    (bucket,) = product.aws("s3").list_buckets()["Buckets"]
    return str(bucket["Name"])


@pytest.fixture(scope="module")
def domain_name(product: Product) -> str:
    distributions = product.aws("cloudfront").list_distributions()["DistributionList"]["Items"]
    (distribution,) = distributions
    return str(distribution["DomainName"])


class Unfollowed(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def get(
    product: Product, domain_name: str, path: str, protocol: str = "https"
) -> tuple[int, bytes, Message]:
    """The distribution's response. One header names the distribution, another one the protocol."""
    request = urllib.request.Request(
        product.endpoint + path, headers={"Host": domain_name, "X-Forwarded-Proto": protocol}
    )
    try:
        with urllib.request.build_opener(Unfollowed).open(request, timeout=10) as response:
            return response.status, response.read(), response.headers
    except urllib.error.HTTPError as response:
        with response:
            return response.code, response.read(), response.headers


def test_bucket_has_the_build_and_the_configuration(product: Product, bucket: str) -> None:
    s3 = product.aws("s3")
    keys = {each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert keys == {file.key for file in site_files.built()} | {"config.json"}


def test_bucket_admits_only_the_distribution(product: Product, bucket: str) -> None:
    s3 = product.aws("s3")
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    allowed = [each for each in policy["Statement"] if each["Effect"] == "Allow"]
    assert [each["Principal"] for each in allowed] == [{"Service": "cloudfront.amazonaws.com"}]


@pytest.mark.parametrize("path", ["/", "/realtime-counter", "/nowhere", "/a/b/", "/index.html"])
def test_distribution_serves_the_page_at_every_route(
    product: Product, domain_name: str, path: str
) -> None:
    status, body, headers = get(product, domain_name, path)
    assert (status, body) == (200, (DIST / "index.html").read_bytes())
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/gone.js", "/assets/gone-12345678.js", "/assets/gone"])
def test_distribution_responds_to_a_missing_file_with_an_error(
    product: Product, domain_name: str, path: str
) -> None:
    status, body, headers = get(product, domain_name, path)
    assert status == 403
    assert b'id="root"' not in body
    assert "html" not in headers["Content-Type"]


def test_browsers_cache_assets_for_a_year_and_check_the_configuration(
    product: Product, domain_name: str
) -> None:
    (script,) = (DIST / "assets").glob("index-*.js")
    status, body, headers = get(product, domain_name, f"/assets/{script.name}")
    assert (status, body) == (200, script.read_bytes())
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    status, body, headers = get(product, domain_name, "/config.json")
    assert (status, json.loads(body)) == (200, {"webSocketUrl": product.emulated_url})
    assert headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/", "/config.json", "/gone.js"])
def test_every_response_has_the_security_headers(
    product: Product, domain_name: str, path: str
) -> None:
    _, _, headers = get(product, domain_name, path)
    origin = "/".join(product.emulated_url.split("/")[:3])
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src 'self' {origin}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "camera=()" in headers["Permissions-Policy"]


def test_distribution_redirects_http_to_https(product: Product, domain_name: str) -> None:
    status, _, headers = get(product, domain_name, "/realtime-counter", protocol="http")
    assert status == 301
    assert headers["Location"] == f"https://{domain_name}/realtime-counter"


@contextmanager
def at_loopback(product: Product, domain_name: str) -> Iterator[str]:
    """Origin that forwards to the distribution, which has no certificate and no DNS entry here."""

    class Forward(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body, headers = get(product, domain_name, self.path)
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Forward) as server:
        thread = Thread(target=server.serve_forever, args=(0.1,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_the_page_works_under_the_security_headers(product: Product, domain_name: str) -> None:
    console: list[str] = []  # reports what a header forbids, and malformed headers
    before = product.stored_value()
    with at_loopback(product, domain_name) as origin, launched() as browser:
        page = browser.new_page()
        page.on("console", lambda message: console.append(message.text))
        page.goto(f"{origin}/realtime-counter")
        expect(page.get_by_role("button", name="Increment")).to_be_enabled(timeout=15_000)
        click(page)
        expect_value(page, before + 1)
    assert product.stored_value() == before + 1
    assert console == []
