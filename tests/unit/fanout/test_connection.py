"""A connection whose socket sends and receives only a part of the data at a time."""

import os
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from selectors import EVENT_READ, EVENT_WRITE

import pytest

from counter_service.runtime.fanout.connection import HttpConnection
from counter_service.runtime.fanout.http_responses import Response
from counter_service.runtime.fanout.pool import ConnectionPool

LARGER_THAN_THE_BUFFERS = 32 << 20


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def connect(
    listener: socket.socket, context: ssl.SSLContext | None = None
) -> closing[HttpConnection]:
    host, port = listener.getsockname()[:2]
    [address] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return closing(HttpConnection(address, context, "localhost"))


def test_connection_sends_a_request_as_its_peer_reads_it(listener: socket.socket) -> None:
    request = bytes(range(256)) * (LARGER_THAN_THE_BUFFERS // 256)
    with connect(listener) as connection:
        connection.send(request)
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(5)
            for _ in range(100):  # until nothing more fits
                assert connection.step() is None
            assert connection.wants == EVENT_READ | EVENT_WRITE
            received = bytearray()
            while len(received) < len(request):
                received += peer.recv(1 << 20)
                assert connection.step() is None
            assert received == request
            assert connection.wants == EVENT_READ
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            while not (response := connection.step()):
                pass
            assert response == Response(200, True, "")


def test_connection_opens_before_its_first_request(listener: socket.socket) -> None:
    with connect(listener) as connection:
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(5)
            assert connection.step() is None
            assert connection.wants == EVENT_READ
            connection.send(b"request")
            assert peer.recv(100) == b"request"


def test_connection_sends_small_requests_at_once(listener: socket.socket) -> None:
    """Without TCP_NODELAY, the kernel delays a request until the previous one is acknowledged."""
    with (
        connect(listener) as connection,
        socket.socket(fileno=os.dup(connection.fileno())) as same,
    ):
        assert same.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_pool_takes_the_addresses_of_a_name_in_turn(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        listeners = (listener, other)
        addresses = [
            each
            for host, port in (each.getsockname() for each in listeners)
            for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        ]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: addresses)
        pool = ConnectionPool("localhost", 80, None)
        connections = [pool.take(must_be_new=True) for _ in listeners]
        for each in listeners:
            each.settimeout(5)
            each.accept()[0].close()
        for connection in connections:
            pool.drop(connection)
        pool.close()


def test_pool_that_is_closed_has_closed_its_selector() -> None:
    pool = ConnectionPool("localhost", 80, None)
    pool.close()
    assert pool.selector.get_map() is None


def test_connection_waits_for_what_the_tls_handshake_needs(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = iter([ssl.SSLWantReadError, ssl.SSLWantWriteError, ssl.SSLWantReadError])

    def do_handshake(_: ssl.SSLSocket) -> None:
        raise next(needs)

    monkeypatch.setattr(ssl.SSLSocket, "do_handshake", do_handshake)
    with connect(listener, ssl.create_default_context()) as connection:
        for wants in (EVENT_READ, EVENT_WRITE, EVENT_READ):
            assert connection.step() is None
            assert connection.wants == wants
