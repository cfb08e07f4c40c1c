import re
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counter_service.runtime.fanout import http_responses
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

ODD = OK + b"x-amzn-ErrorType: Odd\r\nContent-Length: 0\r\n\r\n"

responses = pytest.mark.parametrize(
    ("data", "response"),
    [
        pytest.param(PLAIN, Response(200, True, ""), id="plain"),
        pytest.param(WITH_BODY, Response(410, True, "goneexception"), id="with a body"),
        pytest.param(CHUNKED, Response(500, True, ""), id="chunked"),
        pytest.param(TRAILERS, Response(200, True, ""), id="chunked with trailers"),
        pytest.param(CLOSING, Response(200, False, ""), id="closing"),
        pytest.param(INTERIM, Response(204, True, ""), id="interim first"),
        pytest.param(ODD, Response(200, True, ""), id="an error type without an error"),
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


NOT_HTTP, LARGE_HEAD = "it is not HTTP/1.1", "the head is too large"
LARGE_BODY, TWO = "the body is too large", "there is more than one response"
NO_LENGTH, NO_SIZE = "the content length is not a number", "the chunk size is not a number"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        pytest.param(b"SSH-2.0-OpenSSH\r\n\r\n", NOT_HTTP, id="another protocol"),
        pytest.param(b"HTTP/1.1 abc\r\n\r\n", NOT_HTTP, id="no status"),
        pytest.param(b"HTTP/1.1 x10 X\r\n\r\n", NOT_HTTP, id="letter in the status"),
        pytest.param(b"\r\n\r\n", NOT_HTTP, id="no head"),
        pytest.param(OK + b"Content-Length: -1\r\n\r\n", NO_LENGTH, id="negative length"),
        pytest.param(
            OK + b"Content-Length: %d\r\n\r\n" % (MAX_BODY + 1), LARGE_BODY, id="large body"
        ),
        pytest.param(OK + b"\r\n" + b"x" * (MAX_BODY + 1), LARGE_BODY, id="endless body"),
        pytest.param(OK.ljust(MAX_HEAD + 1, b"x"), LARGE_HEAD, id="endless head"),
        pytest.param(PLAIN + PLAIN, TWO, id="two responses"),
        pytest.param(CHUNKED + PLAIN, TWO, id="two responses, one chunked"),
        pytest.param(CHUNKED_HEAD + b"-5\r\n", NO_SIZE, id="negative chunk"),
        pytest.param(CHUNKED_HEAD + b"5~\r\n", NO_SIZE, id="text after the chunk size"),
        pytest.param(CHUNKED_HEAD + b"\r\n", NO_SIZE, id="no chunk size"),
        pytest.param(CHUNKED_HEAD + b"1\r\nx\r\n" * MAX_BODY, LARGE_BODY, id="endless chunks"),
    ],
)
def test_response_parser_rejects_a_malformed_response(data: bytes, problem: str) -> None:
    with pytest.raises(MalformedResponse) as caught:
        ResponseParser().feed(data)
    assert str(caught.value) == problem


@pytest.mark.parametrize("status", [204, 304])
def test_response_that_has_no_body_ends_with_its_head(status: int) -> None:
    parser = ResponseParser()
    parser.feed(WITH_BODY)
    head = b"HTTP/1.1 %d X\r\nContent-Length: 5\r\n\r\n" % status
    assert parser.feed(head) == Response(status, True, "")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(OK.ljust(MAX_HEAD, b"x"), id="head"),
        pytest.param(OK + b"Content-Length: %d\r\n\r\n" % MAX_BODY, id="stated length"),
        pytest.param(OK + b"\r\n" + b"x" * MAX_BODY, id="body"),
        pytest.param(CHUNKED_HEAD + (b"%x\r\n" % MAX_BODY).ljust(MAX_BODY, b"x"), id="chunks"),
    ],
)
def test_response_parser_accepts_the_largest_response(data: bytes) -> None:
    assert ResponseParser().feed(data) is None


def test_body_that_looks_like_a_response_is_only_a_body() -> None:
    parser = ResponseParser()
    head = b"HTTP/1.1 500 X\r\nContent-Length: %d\r\n\r\n" % len(PLAIN)
    assert parser.feed(head) is None
    assert parser.feed(PLAIN) == Response(500, True, "")
    assert not parser.started


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


def in_odd_case(text: str) -> st.SearchStrategy[str]:
    return st.sampled_from([text, text.upper(), text.title(), text.swapcase()])


def header_lines(name: str, values: list[str]) -> st.SearchStrategy[str]:
    separators = st.sampled_from([": ", ":", ":  ", " : "])
    ends = st.sampled_from(["", "", "", " "])
    return st.builds(
        lambda *parts: "".join(parts), in_odd_case(name), separators, st.sampled_from(values), ends
    )


lengths = header_lines("content-length", ["0", "2", "2", "02", "", "2, 2", "-2", "99999", "x"])
other_lines = st.one_of(
    header_lines("date", ["Wed, 25 Nov 2026 12:00:00 GMT", "", "content-length: 2"]),
    header_lines("x-content-length", ["5"]),
    header_lines(
        "connection", ["keep-alive", "Keep-Alive", "close", "Close", "close, x", "upgrade"]
    ),
    header_lines("transfer-encoding", ["chunked", "Chunked", "identity"]),
    header_lines("x-amzn-errortype", ["GoneException"]),
    st.sampled_from([" folded: 1", "no colon", ": no name", "x: \x00\x7f\xff", "a: \r", "b: \n"]),
)
status_lines = st.just("HTTP/1.1 200 OK") | st.sampled_from(
    [
        "HTTP/1.1 200 ",
        "HTTP/1.1 200",
        "http/1.1 200 ok",
        "HTTP/1.0 200 OK",
        "HTTP/1.1 2000 OK",
        "HTTP/1.1 201 Created",
        "HTTP/1.1 204 No Content",
        "HTTP/1.1 410 Gone",
        "HTTP/1.1 100 Continue",
    ]
)
bodies = st.sampled_from(
    [b"", b"", b"{}", b"{}", b"{}{}", b"\r\n", b"0\r\n\r\n", b"2\r\n{}\r\n0\r\n\r\n"]
)
# Most have one length, as the usual response does.
heads = st.tuples(
    status_lines,
    st.lists(other_lines, max_size=3),
    lengths | st.just("Content-Length: 0") | st.just("content-length: 2"),
    st.lists(other_lines | lengths, max_size=2),
).map(
    lambda parts: "\r\n".join([parts[0], *parts[1], parts[2], *parts[3], "", ""]).encode("latin-1")
)


def parsed(parts: Iterable[bytes]) -> list[Response | str | None]:
    """The parser's result for each part, and then for the end of the connection."""
    parser = ResponseParser()
    results: list[Response | str | None] = []
    try:
        results += [parser.feed(part) for part in parts]
        results += [parser.end()]
    except MalformedResponse as problem:
        results += [str(problem)]
    return results


@settings(max_examples=1000)
@given(heads, bodies, st.data())
def test_response_is_parsed_alike_whole_in_parts_and_header_by_header(
    head: bytes, body: bytes, data: st.DataObject
) -> None:
    """The usual response takes a short cut, which must not lead elsewhere."""
    response = head + body
    whole = parsed([response])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(http_responses, "_USUAL_HEAD", re.compile(rb"(?!)"))
        assert parsed([response]) == whole
    middle = data.draw(st.integers(1, len(response) - 1))
    first, *rest = parsed([response[:middle], response[middle:]])
    if first is None:
        assert rest == whole
    else:
        # The rest of a complete response is parsed as another one, which no request has asked for.
        assert isinstance(first, str) or isinstance(whole[0], str)


@pytest.mark.parametrize("head", ["Content-Length: 2", "Date: now\r\ncontent-length:2\r\nX: y"])
def test_usual_response_takes_the_short_cut(head: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("it was parsed header by header")

    monkeypatch.setattr(ResponseParser, "_read_head", fail)
    usual = f"HTTP/1.1 200 OK\r\n{head}\r\nConnection: keep-alive\r\n\r\n{{}}".encode()
    assert ResponseParser().feed(usual) == Response(200, True, "")
