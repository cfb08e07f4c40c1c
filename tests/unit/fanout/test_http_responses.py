import pytest
from hypothesis import given
from hypothesis import strategies as st

from counter_service.runtime.fanout.http_responses import (
    MAX_BODY,
    MAX_HEAD,
    MalformedResponse,
    Response,
    ResponseParser,
)

PLAIN = b"HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 0\r\n\r\n"
WITH_BODY = (
    b"HTTP/1.1 410 Gone\r\nx-amzn-ErrorType: GoneException:http://internal\r\n"
    b'Content-Length: 9\r\n\r\n{"a": 12}'
)
CHUNKED = (
    b"HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n1a;name=value\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n"
)
TRAILERS = (
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n2\r\n\r\n\r\n0\r\nX-Trailer: 1\r\n\r\n"
)
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: Close\r\ncontent-length:2\r\n\r\nok"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"

ANSWERS = [
    pytest.param(PLAIN, Response(200, True, ""), id="plain"),
    pytest.param(WITH_BODY, Response(410, True, "goneexception"), id="with a body"),
    pytest.param(CHUNKED, Response(500, True, ""), id="chunked"),
    pytest.param(TRAILERS, Response(200, True, ""), id="chunked with trailers"),
    pytest.param(CLOSING, Response(200, False, ""), id="closing"),
    pytest.param(INTERIM, Response(204, True, ""), id="interim first"),
]


@pytest.mark.parametrize(("data", "answer"), ANSWERS)
def test_reads_an_answer_at_once(data: bytes, answer: Response) -> None:
    assert ResponseParser().feed(data) == answer


@pytest.mark.parametrize(("data", "answer"), ANSWERS)
def test_reads_an_answer_that_comes_byte_by_byte(data: bytes, answer: Response) -> None:
    reader = ResponseParser()
    assert [reader.feed(data[i : i + 1]) for i in range(len(data) - 1)] == [None] * (len(data) - 1)
    assert reader.started
    assert reader.feed(data[-1:]) == answer


@pytest.mark.parametrize(("data", "answer"), ANSWERS)
def test_reads_one_answer_after_the_other(data: bytes, answer: Response) -> None:
    reader = ResponseParser()
    assert [reader.feed(data), reader.feed(PLAIN), reader.feed(data)] == [
        answer,
        Response(200, True, ""),
        answer,
    ]
    assert not reader.started


def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    reader = ResponseParser()
    assert reader.feed(b"HTTP/1.1 200 OK\r\n\r\nsome") is None
    assert reader.feed(b"thing") is None
    assert reader.end() == Response(200, False, "")


@pytest.mark.parametrize("cut", range(1, len(WITH_BODY)))
def test_half_an_answer_is_none(cut: int) -> None:
    reader = ResponseParser()
    assert reader.feed(WITH_BODY[:cut]) is None
    assert reader.end() is None


def test_half_a_chunked_answer_is_none() -> None:
    reader = ResponseParser()
    assert reader.feed(CHUNKED[:-2]) is None
    assert reader.end() is None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"SSH-2.0-OpenSSH\r\n\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 abc\r\n\r\n", id="no status"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", id="negative length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n", id="large body"),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MAX_BODY + 1), id="endless body"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"x" * MAX_HEAD, id="endless head"),
        pytest.param(PLAIN + PLAIN, id="two answers"),
        pytest.param(CHUNKED + PLAIN, id="two answers, one chunked"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", id="bad chunk size"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n", id="negative chunk"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * MAX_BODY,
            id="endless chunks",
        ),
    ],
)
def test_refuses_what_is_no_answer(data: bytes) -> None:
    with pytest.raises(MalformedResponse):
        ResponseParser().feed(data)


@given(st.binary(max_size=200), st.integers(1, 50))
def test_raises_nothing_else(noise: bytes, size: int) -> None:
    reader = ResponseParser()
    for data in (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + noise, noise):
        try:
            for start in range(0, len(data), size):
                reader.feed(data[start : start + size])
            reader.end()
        except MalformedResponse:
            reader = ResponseParser()
