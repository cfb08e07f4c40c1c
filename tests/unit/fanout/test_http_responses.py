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

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED_HEAD = OK + b"Transfer-Encoding: chunked\r\n\r\n"
PLAIN = OK + b"Date: now\r\nContent-Length: 0\r\n\r\n"
WITH_BODY = b"HTTP/1.1 410 X\r\nx-amzn-ErrorType: GoneException:a\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = (
    b"HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n1a;name=value\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n"
)
TRAILERS = OK + b"transfer-encoding: Chunked\r\n\r\n2\r\n\r\n\r\n0\r\nX-Trailer: 1\r\n\r\n"
CLOSING = OK + b"Connection: Close\r\ncontent-length:2\r\n\r\nok"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"

responses = pytest.mark.parametrize(
    ("data", "response"),
    [
        pytest.param(PLAIN, Response(200, True, ""), id="plain"),
        pytest.param(WITH_BODY, Response(410, True, "goneexception"), id="with a body"),
        pytest.param(CHUNKED, Response(500, True, ""), id="chunked"),
        pytest.param(TRAILERS, Response(200, True, ""), id="chunked with trailers"),
        pytest.param(CLOSING, Response(200, False, ""), id="closing"),
        pytest.param(INTERIM, Response(204, True, ""), id="interim first"),
    ],
)


@responses
def test_response_parser_reads_one_response_after_another(data: bytes, response: Response) -> None:
    parser = ResponseParser()
    expected = [response, Response(200, True, ""), response]
    assert [parser.feed(data), parser.feed(PLAIN), parser.feed(data)] == expected
    assert not parser.started


@responses
def test_response_parser_waits_for_the_last_byte(data: bytes, response: Response) -> None:
    parser = ResponseParser()
    for position in range(len(data) - 1):
        assert parser.feed(data[position : position + 1]) is None
        assert parser.end() is None, "the connection closed in the middle of a response"
    assert parser.started
    assert parser.feed(data[-1:]) == response


def test_response_without_a_length_ends_with_the_connection() -> None:
    parser = ResponseParser()
    assert parser.feed(OK + b"\r\nsome") is None
    assert parser.feed(b"thing") is None
    assert parser.end() == Response(200, False, "")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"SSH-2.0-OpenSSH\r\n\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 abc\r\n\r\n", id="no status"),
        pytest.param(OK + b"Content-Length: -1\r\n\r\n", id="negative length"),
        pytest.param(OK + b"Content-Length: 9999999\r\n\r\n", id="large body"),
        pytest.param(OK + b"\r\n" + b"x" * (MAX_BODY + 1), id="endless body"),
        pytest.param(OK + b"X: " + b"x" * MAX_HEAD, id="endless head"),
        pytest.param(PLAIN + PLAIN, id="two responses"),
        pytest.param(CHUNKED + PLAIN, id="two responses, one chunked"),
        pytest.param(CHUNKED_HEAD + b"-5\r\n", id="negative chunk"),
        pytest.param(CHUNKED_HEAD + b"1\r\nx\r\n" * MAX_BODY, id="endless chunks"),
    ],
)
def test_response_parser_rejects_a_malformed_response(data: bytes) -> None:
    with pytest.raises(MalformedResponse):
        ResponseParser().feed(data)


@given(st.binary(max_size=200), st.integers(1, 50))
def test_response_parser_raises_nothing_but_malformed_response(noise: bytes, size: int) -> None:
    for data in (CHUNKED_HEAD + noise, noise):
        parser = ResponseParser()
        try:
            for start in range(0, len(data), size):
                parser.feed(data[start : start + size])
            parser.end()
        except MalformedResponse:
            pass
