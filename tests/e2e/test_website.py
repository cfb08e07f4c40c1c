"""The hosted page: what is in its bucket, and what its distribution answers.

The emulator signs the distribution's requests and holds the bucket policy against them, runs the
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

import boto3
import pytest
from playwright.sync_api import expect

from counter_service.infra import site_files
from counter_service.paths import ROOT

from .browser import launched
from .conftest import Product

DIST = ROOT / "web" / "dist"


def endpoint(product: Product) -> str:
    return "http://" + product.url.split("/")[2]


def client(product: Product, service: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint(product),
        region_name="eu-central-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


@pytest.fixture(scope="module")
def bucket(product: Product) -> str:
    (bucket,) = client(product, "s3").list_buckets()["Buckets"]
    name: str = bucket["Name"]
    return name


@pytest.fixture(scope="module")
def domain_name(product: Product) -> str:
    listed = client(product, "cloudfront").list_distributions()["DistributionList"]["Items"]
    (distribution,) = listed
    name: str = distribution["DomainName"]
    return name


class Unfollowed(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


def get(
    product: Product, domain_name: str, path: str, protocol: str = "https"
) -> tuple[int, bytes, Message]:
    """What a browser gets from the distribution: the Host names it, a header says how it came."""
    request = urllib.request.Request(
        endpoint(product) + path, headers={"Host": domain_name, "X-Forwarded-Proto": protocol}
    )
    try:
        with urllib.request.build_opener(Unfollowed).open(request, timeout=10) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.read(), answer.headers


def test_the_bucket_has_the_build_and_the_configuration(product: Product, bucket: str) -> None:
    s3 = client(product, "s3")
    keys = {each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert keys == {file.key for file in site_files.built()} | {"config.json"}
    index = s3.get_object(Bucket=bucket, Key="index.html")["Body"].read()
    assert index == (DIST / "index.html").read_bytes()
    config = s3.get_object(Bucket=bucket, Key="config.json")["Body"].read()
    assert json.loads(config) == {"webSocketUrl": product.url}


def test_the_bucket_answers_nobody_else(product: Product, bucket: str) -> None:
    block = client(product, "s3").get_public_access_block(Bucket=bucket)
    assert set(block["PublicAccessBlockConfiguration"].values()) == {True}
    policy = json.loads(client(product, "s3").get_bucket_policy(Bucket=bucket)["Policy"])
    allowed = [each for each in policy["Statement"] if each["Effect"] == "Allow"]
    assert [each["Principal"] for each in allowed] == [{"Service": "cloudfront.amazonaws.com"}]


@pytest.mark.parametrize("path", ["/", "/realtime-counter", "/nowhere", "/a/b/", "/index.html"])
def test_every_route_is_the_page(product: Product, domain_name: str, path: str) -> None:
    status, body, headers = get(product, domain_name, path)
    assert (status, body) == (200, (DIST / "index.html").read_bytes())
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/gone.js", "/assets/gone-12345678.js", "/assets/gone"])
def test_a_missing_file_is_an_error(product: Product, domain_name: str, path: str) -> None:
    status, body, headers = get(product, domain_name, path)
    assert status == 403
    assert b'id="root"' not in body
    assert "html" not in headers["Content-Type"]


def test_an_asset_is_kept_for_a_year(product: Product, domain_name: str) -> None:
    (script,) = (DIST / "assets").glob("index-*.js")
    status, body, headers = get(product, domain_name, f"/assets/{script.name}")
    assert (status, body) == (200, script.read_bytes())
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_the_configuration_is_asked_for_anew(product: Product, domain_name: str) -> None:
    status, body, headers = get(product, domain_name, "/config.json")
    assert (status, json.loads(body)) == (200, {"webSocketUrl": product.url})
    assert headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("path", ["/", "/config.json", "/gone.js"])
def test_every_answer_has_the_security_headers(
    product: Product, domain_name: str, path: str
) -> None:
    _, _, headers = get(product, domain_name, path)
    origin = "/".join(product.url.split("/")[:3])
    assert headers["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        f"connect-src 'self' {origin}; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "camera=()" in headers["Permissions-Policy"]


def test_http_leads_to_https(product: Product, domain_name: str) -> None:
    status, _, headers = get(product, domain_name, "/realtime-counter", protocol="http")
    assert status == 301
    assert headers["Location"] == f"https://{domain_name}/realtime-counter"


@contextmanager
def at_loopback(product: Product, domain_name: str) -> Iterator[str]:
    """An address where a browser finds the distribution: it has no certificate and no DNS here."""

    class Forward(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body, headers = get(product, domain_name, self.path)
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Forward) as server:
        thread = Thread(target=server.serve_forever, args=(0.1,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_the_page_works_under_its_headers(product: Product, domain_name: str) -> None:
    said: list[str] = []  # the console names what a header forbids, and headers that are wrong
    before = product.stored_value()
    with at_loopback(product, domain_name) as origin, launched() as browser:
        page = browser.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"{origin}/realtime-counter")
        button = page.get_by_role("button", name="Increment")
        expect(button).to_be_enabled(timeout=15_000)
        button.click()
        expect(page.get_by_test_id("counter-value")).to_have_text(str(before + 1), timeout=15_000)
    assert product.stored_value() == before + 1
    assert said == []
