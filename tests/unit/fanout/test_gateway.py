"""The fan-out against a real server that misbehaves on request."""

import logging
import re
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pytest

from counter_service.runtime.core.ports import Delivery
from counter_service.runtime.fanout import pool
from counter_service.runtime.fanout.fan_out import Limits
from counter_service.runtime.fanout.gateway import ApiGatewayOutbox, amazon_context
from counter_service.runtime.fanout.pool import MAX_IDLE_SECONDS
from counter_service.runtime.fanout.signing import Credentials
from tests.unit.raw_server import OK, RawServer, Reply, Request, Then, certificate

UPDATE = '{"type":"counter-update","value":42}'
# The machine may be busy, so only tests that wait for silence have short limits.
PATIENT = Limits(post_seconds=20, backoff_seconds=0.001, fan_out_seconds=60)
HURRIED = replace(PATIENT, post_seconds=0.5)
CREDENTIALS = Credentials("AKIDEXAMPLE", "secret", "token")

DELIVERED, GONE = Delivery.DELIVERED, Delivery.GONE
FORBIDDEN, SKIPPED = Delivery.FORBIDDEN, Delivery.SKIPPED

Start = Callable[..., tuple[RawServer, ApiGatewayOutbox]]

https_only = pytest.mark.parametrize("scheme", ["https"], indirect=True)


@pytest.fixture(params=["http", "https"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def _localhost_is_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolve localhost to 127.0.0.1 only, because RawServer listens there.

    The hosts files of Debian and macOS also give it ::1, and the pool takes the addresses of a
    name in turn.
    """
    ipv4 = partial(socket.getaddrinfo, family=socket.AF_INET)
    monkeypatch.setattr(socket, "getaddrinfo", ipv4)


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def start(scheme: str, pem: Path) -> Iterator[Start]:
    """Start a server that responds with 200 unless `respond` differs, and an outbox for it."""
    with ExitStack() as stack:

        def start_both(
            respond: Callable[[Request], Reply] = lambda _: OK,
            limits: Limits = PATIENT,
            *,
            host: str = "localhost",
            ca: Path = pem,
            credentials: Callable[[], Credentials] = lambda: CREDENTIALS,
        ) -> tuple[RawServer, ApiGatewayOutbox]:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if scheme == "https" else None
            if tls:
                tls.load_cert_chain(pem)
            server = stack.enter_context(closing(RawServer(respond, tls)))
            url = f"{scheme}://{host}:{server.port}/prod"
            context = ssl.create_default_context(cafile=str(ca))
            outbox = ApiGatewayOutbox(url, "r", credentials, limits=limits, context=context)
            return server, stack.enter_context(closing(outbox))

        yield start_both


# --- outcomes ---

OVERSIZED = Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 100_000)
CHUNKED = Reply(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n")
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal"

UNTIL_TIME_IS_UP = set(range(5, 1000))
# The reply to each post to one connection, its outcome, and the number of posts.
OUTCOMES = {
    "200": (Reply.of(200), DELIVERED, 1),
    "200 with a body": (Reply.of(200, body=b"{}"), DELIVERED, 1),
    "200 and close": (Reply(OK.data, Then.CLOSE), DELIVERED, 1),
    "chunked": (CHUNKED, DELIVERED, 1),
    "no length, closed in order": (Reply(b"HTTP/1.1 200 OK\r\n\r\nok", Then.CLOSE), DELIVERED, 1),
    "300": (Reply.of(300), SKIPPED, 1),
    "410": (Reply.of(410, "GoneException"), GONE, 1),
    "400": (Reply.of(400, "BadRequestException"), SKIPPED, 1),
    "403": (Reply.of(403, "ForbiddenException"), FORBIDDEN, 1),
    "413": (Reply.of(413, "PayloadTooLargeException"), SKIPPED, 1),
    "429": (Reply.of(429, "LimitExceededException"), SKIPPED, UNTIL_TIME_IS_UP),
    "500": (Reply.of(500), SKIPPED, 3),
    "503": (Reply.of(503), SKIPPED, 3),
    "expired credentials": (Reply.of(403, "ExpiredTokenException"), FORBIDDEN, 2),
    "expired request": (Reply.of(403, "RequestExpired"), FORBIDDEN, 2),
    "wrong clock": (Reply.of(403, "InvalidSignatureException:http://a.test/"), FORBIDDEN, 2),
    "not HTTP": (Reply(b"220 smtp.example.com ESMTP\r\n\r\n"), SKIPPED, 3),
    "too large": (OVERSIZED, SKIPPED, 3),
    "closed during the response": (Reply(HALF, Then.CLOSE), SKIPPED, 3),
    "cut during the response": (Reply(HALF, Then.CUT), SKIPPED, 3),
    # A kept connection may have been dead before the request, so it costs no attempt.
    "reset": (Reply(b"", Then.RESET), SKIPPED, {3, 4}),
    "silence": (Reply(b"", Then.HANG), SKIPPED, {3, 4}),
    "silence during the response": (Reply(HALF, Then.HANG), SKIPPED, 3),
}
TRANSIENT = ["429", "500", "expired credentials", "wrong clock", "cut during the response", "reset"]


@pytest.mark.parametrize(("reply", "delivery", "posts"), OUTCOMES.values(), ids=OUTCOMES)
def test_post_returns_each_outcome_and_delivers_to_the_others(
    start: Start, reply: Reply, delivery: Delivery, posts: int | set[int]
) -> None:
    limits = HURRIED if reply.then is Then.HANG else PATIENT
    if posts is UNTIL_TIME_IS_UP:
        limits = replace(limits, fan_out_seconds=1, longest_backoff_seconds=0.05)
    server, outbox = start(lambda each: reply if each.connection_id == "odd" else OK, limits)
    others = dict.fromkeys("abc", DELIVERED)
    assert outbox.post(UPDATE, ["a", "odd", "b", "c"]).deliveries == {"odd": delivery, **others}
    sent = Counter(request.connection_id for request in server.requests)
    assert sent.pop("odd") in (posts if isinstance(posts, set) else {posts})
    assert sent == {"a": 1, "b": 1, "c": 1}
    assert outbox.post(UPDATE, "abc").deliveries == others


@pytest.mark.parametrize("fault", TRANSIENT)
def test_post_is_delivered_after_a_transient_fault(start: Start, fault: str) -> None:
    first = OUTCOMES[fault][0]
    _, outbox = start(lambda request: first if request.number == 1 else OK)
    assert outbox.post(UPDATE, "abcdefghij").deliveries == dict.fromkeys("abcdefghij", DELIVERED)


def test_post_sends_a_request_to_the_stage(start: Start) -> None:
    server, outbox = start()
    outbox.post(UPDATE, ["Rk3sYd2oFiACEQg="])
    (request,) = server.requests
    assert request.head.startswith("POST /prod/@connections/Rk3sYd2oFiACEQg%3D HTTP/1.1\r\n")
    assert f"host: localhost:{server.port}\r\n" in request.head
    assert "x-amz-security-token: token\r\n" in request.head
    assert request.body.decode() == UPDATE


def test_close_connection_sends_a_delete_request_to_the_stage(start: Start) -> None:
    server, outbox = start()
    outbox.close_connection("Rk3sYd2oFiACEQg=")
    (request,) = server.requests
    assert request.head.startswith("DELETE /prod/@connections/Rk3sYd2oFiACEQg%3D HTTP/1.1\r\n")
    assert request.body == b""


# --- the pool ---


@pytest.mark.parametrize("seconds", [MAX_IDLE_SECONDS, 0.0])
def test_close_connection_uses_no_connection_that_was_idle_for_long(
    start: Start, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    server, outbox = start()
    outbox.post(UPDATE, "a")
    monkeypatch.setattr(pool, "MAX_IDLE_SECONDS", seconds)
    outbox.close_connection("a")
    assert server.sockets == (1 if seconds else 2)


def test_post_uses_the_connections_of_earlier_posts(start: Start) -> None:
    server, outbox = start(limits=Limits(connections=1))
    for _ in range(5):
        assert outbox.post(UPDATE, "abc").deliveries == dict.fromkeys("abc", DELIVERED)
    assert server.sockets == 1


@https_only
def test_new_connection_resumes_the_tls_session_of_another(start: Start) -> None:
    server, outbox = start()
    for _ in range(3):
        assert outbox.post(UPDATE, "a").deliveries == {"a": DELIVERED}
        server.cut_all()
    assert (server.sockets, server.resumed) == (3, 2)


@pytest.mark.parametrize("frozen", [True, False])
def test_kept_connection_that_closed_costs_no_attempt(start: Start, frozen: bool) -> None:
    """The connection closed while the function was frozen, or just before the second request."""
    server, outbox = start(
        lambda each: Reply(b"", Then.CUT) if each.on_socket == 2 and not frozen else OK,
        Limits(attempts=1, post_seconds=5),
    )
    for _ in range(3):
        assert outbox.post(UPDATE, "abc").deliveries == dict.fromkeys("abc", DELIVERED)
        if frozen:
            server.cut_all()


def test_silent_connection_does_not_delay_the_others(start: Start) -> None:
    done = threading.Event()
    others = [f"id{number}" for number in range(200)]

    def respond(request: Request) -> Reply:
        if request.connection_id == "silent" and request.number == 1:
            # Its response comes after all the others, which is impossible if they wait for it.
            assert done.wait(10)
        elif len(server.requests) == len(others) + 1:
            done.set()
        return OK

    server, outbox = start(respond, Limits(connections=4, post_seconds=20))
    assert set(outbox.post(UPDATE, ["silent", *others]).deliveries.values()) == {DELIVERED}


# --- endpoints that are down ---


@pytest.mark.parametrize("scheme", ["http"], indirect=True)
def test_closed_port_skips_every_post(start: Start) -> None:
    server, outbox = start()
    server.close()
    audience = [f"id{number}" for number in range(1000)]
    assert outbox.post(UPDATE, audience).deliveries == dict.fromkeys(audience, SKIPPED)


@https_only
@pytest.mark.parametrize(
    ("host", "issued_for"), [("localhost", "other.test"), ("127.0.0.1", "localhost")]
)
def test_certificate_of_another_authority_or_host_is_rejected(
    start: Start, pem: Path, tmp_path: Path, host: str, issued_for: str
) -> None:
    ca = pem if issued_for == "localhost" else certificate(tmp_path, issued_for)
    server, outbox = start(host=host, ca=ca)
    assert outbox.post(UPDATE, "a").deliveries == {"a": SKIPPED}
    assert server.requests == []


def test_name_that_does_not_resolve_is_looked_up_a_few_times(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = Mock(side_effect=socket.gaierror("no such name"))
    _, outbox = start(host="nowhere.invalid")
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    audience = [f"id{number}" for number in range(5000)]
    assert outbox.post(UPDATE, audience).deliveries == dict.fromkeys(audience, SKIPPED)
    assert resolve.call_count == PATIENT.consecutive_failures == 16


def test_name_is_looked_up_again_by_the_next_fan_out(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The addresses of API Gateway change while a function lives."""
    server, outbox = start()
    resolve = Mock(side_effect=socket.getaddrinfo)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    for lookups in (1, 2):
        assert outbox.post(UPDATE, "a").deliveries == {"a": DELIVERED}
        assert resolve.call_count == lookups
        server.cut_all()


@pytest.mark.parametrize(("scheme", "port"), [("https", 443), ("http", 80)])
def test_endpoint_without_a_port_is_reached_at_the_port_of_its_scheme(
    monkeypatch: pytest.MonkeyPatch, scheme: str, port: int
) -> None:
    resolve = Mock(side_effect=socket.gaierror("no such name"))
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    credentials = Credentials("key", "secret", None)
    outbox = ApiGatewayOutbox(f"{scheme}://host.test/prod", "region", lambda: credentials)
    outbox.post(UPDATE, ["a"])
    assert {call.args for call in resolve.call_args_list} == {("host.test", port)}


# --- credentials and logs ---


def test_credentials_are_renewed_for_each_fan_out_and_when_they_expire(start: Start) -> None:
    expired = Reply.of(403, "ExpiredTokenException")
    keys = iter(["OLD", "NEW", "NEXT"])
    server, outbox = start(
        lambda request: expired if "Credential=OLD/" in request.head else OK,
        credentials=lambda: Credentials(next(keys), "secret", None),
    )
    assert outbox.post(UPDATE, "abcdef").deliveries == dict.fromkeys("abcdef", DELIVERED)
    assert "Credential=NEW/" in server.requests[-1].head
    assert outbox.post(UPDATE, "a").deliveries == {"a": DELIVERED}
    assert "Credential=NEXT/" in server.requests[-1].head


FORBIDDEN_POST = "posting is forbidden: check the role's execute-api:ManageConnections"
GIVEN_UP = "a post was given up"
THROTTLED = "API Gateway throttled posts: lower postsPerSecond or raise the quota"
LATE = "the fan-out's time is up"
LOGGED: dict[str, tuple[Reply, list[tuple[int, str, object]]]] = {
    "403": (Reply.of(403, "ForbiddenException"), [(logging.ERROR, FORBIDDEN_POST, None)]),
    "410": (Reply.of(410), []),
    "413": (Reply.of(413), [(logging.WARNING, "a post was rejected", 413)]),
    "429": (Reply.of(429), [(logging.WARNING, THROTTLED, None), (logging.WARNING, LATE, None)]),
    "500": (Reply.of(500), [(logging.WARNING, GIVEN_UP, 500)]),
    "not HTTP": (Reply(b"SSH-2.0\r\n\r\n"), [(logging.WARNING, GIVEN_UP, "MalformedResponse")]),
}


@pytest.mark.parametrize(("reply", "logged"), LOGGED.values(), ids=LOGGED)
def test_fan_out_logs_each_problem_once(
    start: Start, caplog: pytest.LogCaptureFixture, reply: Reply, logged: list[object]
) -> None:
    limits = replace(PATIENT, consecutive_failures=10**6, fan_out_seconds=1)
    _, outbox = start(lambda _: reply, limits)
    outbox.post(UPDATE, "abcdefgh")
    records = [vars(record) for record in caplog.records]
    assert [
        (each["levelno"], each["msg"], each.get("reason", each.get("status"))) for each in records
    ] == logged


def test_amazon_context_trusts_only_the_authorities_of_amazon() -> None:
    roots = str([root["subject"] for root in amazon_context().get_ca_certs()])
    assert sorted(re.findall(r"'commonName', '([^']+)'", roots)) == [
        *(f"Amazon Root CA {number}" for number in (1, 2, 3, 4)),
        "Starfield Services Root Certificate Authority - G2",
    ]
