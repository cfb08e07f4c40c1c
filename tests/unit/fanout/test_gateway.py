"""The fan-out against a real server that misbehaves to order."""

import logging
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from counter_service.runtime.core.ports import Delivery
from counter_service.runtime.fanout.fan_out import Limits
from counter_service.runtime.fanout.gateway import (
    AMAZON_ROOTS,
    ApiGatewayOutbox,
    amazon_context,
)
from counter_service.runtime.fanout.signing import Credentials
from tests.unit.raw_server import OK, RawServer, Reply, Request, Then, certificate

UPDATE = '{"type":"counter-update","value":42}'
# The machine may be busy: only who waits for silence is in a hurry.
PATIENT = Limits(post_seconds=20, backoff_seconds=0.001, fan_out_seconds=60)
HURRIED = replace(PATIENT, post_seconds=0.5)
CREDENTIALS = Credentials("AKIDEXAMPLE", "secret", "token")

DELIVERED, GONE = Delivery.DELIVERED, Delivery.GONE
FORBIDDEN, SKIPPED = Delivery.FORBIDDEN, Delivery.SKIPPED

Serve = Callable[[Callable[[Request], Reply]], RawServer]
Open = Callable[..., ApiGatewayOutbox]


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
def serve(scheme: str, pem: Path) -> Iterator[Serve]:
    servers: list[RawServer] = []

    def start(respond: Callable[[Request], Reply]) -> RawServer:
        context = None
        if scheme == "https":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pem)
        servers.append(RawServer(respond, context))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def outbox_for(scheme: str, pem: Path) -> Iterator[Open]:
    opened: list[ApiGatewayOutbox] = []

    def open_outbox(server: RawServer, limits: Limits = PATIENT) -> ApiGatewayOutbox:
        trusting = ssl.create_default_context(cafile=str(pem))
        url = f"{scheme}://localhost:{server.port}/prod"
        opened.append(
            ApiGatewayOutbox(
                url, "eu-central-1", lambda: CREDENTIALS, limits=limits, context=trusting
            )
        )
        return opened[-1]

    yield open_outbox
    for outbox in opened:
        outbox.close()


def answering(**replies: Reply) -> Callable[[Request], Reply]:
    """These connections get these replies, all others a 200."""
    return lambda request: replies.get(request.connection_id, OK)


def times(server: RawServer, connection_id: str) -> int:
    return sum(request.connection_id == connection_id for request in server.requests)


# --- what becomes of a post ---

OVERSIZED = Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 100_000)
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal"

OUTCOMES = {
    "200": (Reply.of(200), DELIVERED, 1),
    "200 with a body": (Reply.of(200, body=b"{}"), DELIVERED, 1),
    "200 and close": (Reply(OK.data, Then.CLOSE), DELIVERED, 1),
    "chunked": (
        Reply(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
        DELIVERED,
        1,
    ),
    "no length, closed in order": (Reply(b"HTTP/1.1 200 OK\r\n\r\nok", Then.CLOSE), DELIVERED, 1),
    "410": (Reply.of(410, "GoneException"), GONE, 1),
    "400": (Reply.of(400, "BadRequestException"), SKIPPED, 1),
    "403": (Reply.of(403, "ForbiddenException"), FORBIDDEN, 1),
    "413": (Reply.of(413, "PayloadTooLargeException"), SKIPPED, 1),
    "429": (Reply.of(429, "LimitExceededException"), SKIPPED, 5),
    "500": (Reply.of(500), SKIPPED, 3),
    "503": (Reply.of(503), SKIPPED, 3),
    "expired credentials": (Reply.of(403, "ExpiredTokenException"), FORBIDDEN, 2),
    "not HTTP": (Reply(b"220 smtp.example.com ESMTP\r\n\r\n"), SKIPPED, 3),
    "too large": (OVERSIZED, SKIPPED, 3),
    "closed in mid-answer": (Reply(HALF, Then.CLOSE), SKIPPED, 3),
    "cut in mid-answer": (Reply(HALF, Then.CUT), SKIPPED, 3),
    # Once more on a connection that was kept: it may have been dead before the request.
    "reset": (Reply(b"", Then.RESET), SKIPPED, 4),
    "silence": (Reply(b"", Then.HANG), SKIPPED, 3),
    "silence in mid-answer": (Reply(HALF, Then.HANG), SKIPPED, 3),
}


@pytest.mark.parametrize(("reply", "delivery", "posts"), OUTCOMES.values(), ids=OUTCOMES)
def test_says_what_became_of_a_post_and_delivers_the_others(
    serve: Serve, outbox_for: Open, reply: Reply, delivery: Delivery, posts: int
) -> None:
    server = serve(answering(odd=reply))
    outbox = outbox_for(server, HURRIED if reply.then is Then.HANG else PATIENT)
    audience = ["a", "odd", "b", "c"]
    assert outbox.post(UPDATE, audience) == {
        "a": DELIVERED,
        "odd": delivery,
        "b": DELIVERED,
        "c": DELIVERED,
    }
    assert times(server, "odd") in {3, 4} if posts == 4 else {posts}
    assert [times(server, each) for each in "abc"] == [1, 1, 1]
    # And it is as good as new.
    assert set(outbox.post(UPDATE, "abc").values()) == {DELIVERED}


@pytest.mark.parametrize(
    "first",
    [
        Reply.of(429, "LimitExceededException"),
        Reply.of(500),
        Reply(HALF, Then.CUT),
        Reply(b"", Then.RESET),
        Reply.of(403, "ExpiredTokenException"),
        Reply.of(403, "InvalidSignatureException:http://internal.amazon.com/"),
    ],
    ids=["429", "500", "cut", "reset", "expired", "clock"],
)
def test_a_fault_that_passes_costs_no_post(serve: Serve, outbox_for: Open, first: Reply) -> None:
    server = serve(lambda request: first if request.number == 1 else OK)
    audience = [f"id{number}" for number in range(10)]
    assert outbox_for(server).post(UPDATE, audience) == dict.fromkeys(audience, DELIVERED)


def test_a_request_is_what_was_asked_for(serve: Serve, outbox_for: Open) -> None:
    server = serve(answering())
    outbox_for(server).post(UPDATE, ["Rk3sYd2oFiACEQg="])
    (request,) = server.requests
    assert request.head.startswith("POST /prod/@connections/Rk3sYd2oFiACEQg%3D HTTP/1.1\r\n")
    assert f"host: localhost:{server.port}\r\n" in request.head
    assert "x-amz-security-token: token\r\n" in request.head
    assert request.body.decode() == UPDATE


def test_an_empty_audience_is_no_request(serve: Serve, outbox_for: Open) -> None:
    server = serve(answering())
    assert outbox_for(server).post(UPDATE, []) == {}
    assert server.sockets == 0


def test_everyone_once(serve: Serve, outbox_for: Open) -> None:
    server = serve(answering())
    assert outbox_for(server).post(UPDATE, ["a", "b", "a"]) == {"a": DELIVERED, "b": DELIVERED}
    assert times(server, "a") == 1


# --- the pool ---


def test_many_posts_share_a_bounded_pool(serve: Serve, outbox_for: Open) -> None:
    server = serve(answering())
    outbox = outbox_for(server, Limits(connections=8, connections_when_large=8))
    audience = [f"id{number}" for number in range(500)]
    assert outbox.post(UPDATE, audience) == dict.fromkeys(audience, DELIVERED)
    assert len(server.requests) == 500
    assert server.sockets <= 8


def test_a_large_audience_gets_a_larger_pool(serve: Serve, outbox_for: Open) -> None:
    gate = threading.Event()
    opened = threading.Barrier(7, action=gate.set)  # six posts under way at once, and this test

    def respond(request: Request) -> Reply:
        if not gate.is_set():
            opened.wait(10)
        return OK

    server = serve(respond)
    outbox = outbox_for(
        server, Limits(connections=2, connections_when_large=6, large_audience=2, post_seconds=20)
    )
    waiting = threading.Thread(target=lambda: opened.wait(10))
    waiting.start()
    assert set(outbox.post(UPDATE, "abcdefghij").values()) == {DELIVERED}
    waiting.join()
    assert server.sockets == 6


def test_a_warm_pool_is_used_again(serve: Serve, outbox_for: Open) -> None:
    server = serve(answering())
    outbox = outbox_for(server, Limits(connections=1))
    for _ in range(5):
        assert outbox.post(UPDATE, "abc") == dict.fromkeys("abc", DELIVERED)
    assert server.sockets == 1


@pytest.mark.parametrize("scheme", ["https"], indirect=True)
def test_a_new_connection_resumes_the_session_of_another(serve: Serve, outbox_for: Open) -> None:
    server = serve(answering())
    outbox = outbox_for(server)
    for _ in range(3):
        assert outbox.post(UPDATE, "a") == {"a": DELIVERED}
        server.cut_all()
    assert (server.sockets, server.resumed) == (3, 2)


def test_connections_that_died_in_the_freezer_cost_no_post(serve: Serve, outbox_for: Open) -> None:
    server = serve(answering())
    outbox = outbox_for(server)
    outbox.post(UPDATE, "abc")
    server.cut_all()
    assert outbox.post(UPDATE, "abcde") == dict.fromkeys("abcde", DELIVERED)


def test_a_kept_connection_that_dies_under_a_request_costs_no_post(
    serve: Serve, outbox_for: Open
) -> None:
    # Closed between our look at it and the request: no attempt of the post is used up.
    server = serve(lambda r: Reply(b"", Then.CUT) if r.on_socket == 2 else OK)
    outbox = outbox_for(server, Limits(attempts=1, post_seconds=5))
    for _ in range(3):
        assert outbox.post(UPDATE, "ab") == {"a": DELIVERED, "b": DELIVERED}


def test_one_silent_connection_holds_nobody_up(serve: Serve, outbox_for: Open) -> None:
    done = threading.Event()
    others = [f"id{number}" for number in range(200)]

    def respond(request: Request) -> Reply:
        if request.connection_id == "silent" and request.number == 1:
            # Answers once all the others have theirs, which it could not if they waited for it.
            assert done.wait(10)
        elif len(server.requests) == len(others) + 1:
            done.set()
        return OK

    server = serve(respond)
    outbox = outbox_for(server, Limits(connections=4, post_seconds=20))
    assert set(outbox.post(UPDATE, ["silent", *others]).values()) == {DELIVERED}


def test_posts_while_the_audience_is_being_listed(serve: Serve, outbox_for: Open) -> None:
    server = serve(answering())
    outbox = outbox_for(server, Limits(connections=2, connections_when_large=2, large_audience=2))

    def audience() -> Iterator[str]:
        yield from ("a", "b", "c", "d")
        # Two connections: whoever is asked for the fifth has answered at least two.
        assert len(server.requests) >= 2
        yield "e"

    assert set(outbox.post(UPDATE, audience()).values()) == {DELIVERED}


# --- when nothing works ---


@pytest.mark.parametrize("scheme", ["http"], indirect=True)
def test_nobody_listening(serve: Serve, outbox_for: Open) -> None:
    server = serve(answering())
    server.close()
    audience = [f"id{number}" for number in range(1000)]
    assert outbox_for(server).post(UPDATE, audience) == dict.fromkeys(audience, SKIPPED)


def test_a_name_that_does_not_resolve(caplog: pytest.LogCaptureFixture) -> None:
    outbox = ApiGatewayOutbox(
        "https://nowhere.invalid/prod", "eu-central-1", lambda: CREDENTIALS, limits=PATIENT
    )
    assert outbox.post(UPDATE, "ab") == {"a": SKIPPED, "b": SKIPPED}
    assert "gaierror" in [getattr(record, "reason", None) for record in caplog.records]
    outbox.close()


@pytest.mark.parametrize("scheme", ["https"], indirect=True)
def test_a_certificate_of_another_host_is_refused(
    scheme: str, serve: Serve, tmp_path: Path
) -> None:
    server = serve(answering())
    other = ssl.create_default_context(cafile=str(certificate(tmp_path, "other.test")))
    outbox = ApiGatewayOutbox(
        f"https://localhost:{server.port}/prod",
        "eu-central-1",
        lambda: CREDENTIALS,
        limits=PATIENT,
        context=other,
    )
    assert outbox.post(UPDATE, "a") == {"a": SKIPPED}
    assert server.requests == []
    outbox.close()


@pytest.mark.parametrize("scheme", ["https"], indirect=True)
def test_a_certificate_for_another_name_is_refused(scheme: str, serve: Serve, pem: Path) -> None:
    server = serve(answering())
    outbox = ApiGatewayOutbox(
        f"https://127.0.0.1:{server.port}/prod",  # the certificate says localhost
        "eu-central-1",
        lambda: CREDENTIALS,
        limits=PATIENT,
        context=ssl.create_default_context(cafile=str(pem)),
    )
    assert outbox.post(UPDATE, "a") == {"a": SKIPPED}
    assert server.requests == []
    outbox.close()


def test_a_fan_out_ends_in_time(serve: Serve, outbox_for: Open) -> None:
    server = serve(lambda _: Reply(b"", Then.HANG))
    limits = Limits(
        connections=2,
        connections_when_large=2,
        post_seconds=0.1,
        fan_out_seconds=0.3,
        consecutive_failures=10**6,
    )
    audience = [f"id{number}" for number in range(10_000)]
    assert outbox_for(server, limits).post(UPDATE, audience) == dict.fromkeys(audience, SKIPPED)
    assert len(server.requests) < 100


def test_nothing_is_tried_again_once_time_is_up(serve: Serve, outbox_for: Open) -> None:
    late = threading.Event()

    def respond(request: Request) -> Reply:
        late.wait(0.2)  # nobody sets it
        return Reply.of(503)

    server = serve(respond)
    limits = Limits(post_seconds=10, fan_out_seconds=0.1, backoff_seconds=0.001)
    assert outbox_for(server, limits).post(UPDATE, "ab") == {"a": SKIPPED, "b": SKIPPED}
    assert [times(server, each) for each in "ab"] == [1, 1]


def test_a_name_that_does_not_resolve_is_not_asked_for_everybody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def resolve(host: str, *_: object, **__: object) -> list[object]:
        asked.append(host)
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    outbox = ApiGatewayOutbox(
        "http://nowhere.invalid/prod", "eu-central-1", lambda: CREDENTIALS, limits=PATIENT
    )
    audience = [f"id{number}" for number in range(5000)]
    assert outbox.post(UPDATE, audience) == dict.fromkeys(audience, SKIPPED)
    assert len(asked) == PATIENT.consecutive_failures
    outbox.close()


# --- signing and logs ---


def test_credentials_that_rotate_are_picked_up(serve: Serve, scheme: str, pem: Path) -> None:
    server = serve(answering())
    keys = iter(["AKFIRST", "AKSECOND"])
    outbox = ApiGatewayOutbox(
        f"{scheme}://localhost:{server.port}/prod",
        "eu-central-1",
        lambda: Credentials(next(keys), "secret", None),
        context=ssl.create_default_context(cafile=str(pem)),
    )
    outbox.post(UPDATE, "a")
    outbox.post(UPDATE, "b")
    assert [f"Credential={key}/" in r.head for key, r in zip(
        ["AKFIRST", "AKSECOND"], server.requests, strict=True)] == [True, True]  # fmt: skip
    outbox.close()


def test_expired_credentials_are_asked_for_again_in_mid_fan_out(
    serve: Serve, scheme: str, pem: Path
) -> None:
    expired = Reply.of(403, "ExpiredTokenException")
    server = serve(lambda r: expired if "Credential=AKOLD/" in r.head else OK)
    keys = iter(["AKOLD", "AKNEW"])
    outbox = ApiGatewayOutbox(
        f"{scheme}://localhost:{server.port}/prod",
        "eu-central-1",
        lambda: Credentials(next(keys), "secret", None),
        context=ssl.create_default_context(cafile=str(pem)),
    )
    assert set(outbox.post(UPDATE, "abcdef").values()) == {DELIVERED}
    outbox.close()


def test_a_long_fan_out_is_signed_again(serve: Serve, scheme: str, pem: Path) -> None:
    server = serve(answering())
    moments = iter(range(1_700_000_000, 1_800_000_000, 1000))
    outbox = ApiGatewayOutbox(
        f"{scheme}://localhost:{server.port}/prod",
        "eu-central-1",
        lambda: CREDENTIALS,
        limits=Limits(connections=1, signature_seconds=0.0),
        context=ssl.create_default_context(cafile=str(pem)),
        now=lambda: next(moments),
    )
    outbox.post(UPDATE, "abc")
    dates = {
        line
        for r in server.requests
        for line in r.head.split("\r\n")
        if line.startswith("x-amz-date:")
    }
    assert len(dates) == 3
    outbox.close()


@pytest.mark.parametrize(
    ("reply", "level", "words"),
    [
        (Reply.of(403, "ForbiddenException"), logging.ERROR, "execute-api:ManageConnections"),
        (Reply.of(413), logging.WARNING, "a post was rejected"),
        (Reply.of(429), logging.WARNING, "a post was given up"),
        (Reply(b"", Then.RESET), logging.WARNING, "a post was given up"),
    ],
    ids=["403", "413", "429", "reset"],
)
def test_says_once_what_somebody_should_look_into(
    serve: Serve,
    outbox_for: Open,
    caplog: pytest.LogCaptureFixture,
    reply: Reply,
    level: int,
    words: str,
) -> None:
    limits = Limits(backoff_seconds=0.001, consecutive_failures=10**6)
    outbox_for(serve(lambda _: reply), limits).post(UPDATE, "abcdefgh")
    (record,) = caplog.records
    assert record.levelno == level
    assert words in record.getMessage()


def test_a_closed_connection_is_no_news(
    serve: Serve, outbox_for: Open, caplog: pytest.LogCaptureFixture
) -> None:
    outbox_for(serve(lambda _: Reply.of(410))).post(UPDATE, "ab")
    assert caplog.records == []


def test_trusts_amazons_roots_and_no_others() -> None:
    subjects = [str(root["subject"]) for root in amazon_context().get_ca_certs()]
    names = sorted(subject.rpartition("'commonName', '")[2].split("'")[0] for subject in subjects)
    assert names == [
        "Amazon Root CA 1",
        "Amazon Root CA 2",
        "Amazon Root CA 3",
        "Amazon Root CA 4",
        "Starfield Services Root Certificate Authority - G2",
    ]
    assert AMAZON_ROOTS.name == "amazon_roots.pem"
