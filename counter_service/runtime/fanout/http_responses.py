"""Parses HTTP/1.1 responses: bytes in, responses out."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

MAX_HEAD: Final = 16 * 1024
# A response of @connections has tens of bytes. A larger one comes from something else.
MAX_BODY: Final = 64 * 1024

_END_OF_HEAD: Final = b"\r\n\r\n"

# The head of the usual response: 200 with a length, on a connection that stays open. Every other
# response is parsed header by header. The pattern may skip any header that does not begin with c or
# t, because those that end a response or its connection do: content-length, connection and
# transfer-encoding.
_OTHER_HEADERS: Final = (
    rb"(?:[^ctCT\r\n][^\r\n]*+\r\n"
    rb"|(?i:connection: keep-alive)\r\n"
    rb"|(?i:content-type:)[^\r\n]*+\r\n)*+"
)
_USUAL_HEAD: Final = re.compile(
    rb"HTTP/1\.1 200 [^\r\n]*+\r\n"
    + _OTHER_HEADERS
    + rb"(?i:content-length): ?([0-9]{1,4})\r\n"
    + _OTHER_HEADERS
    + rb"\r\n"
)


class MalformedResponse(Exception):
    """The response is not HTTP/1.1, or larger than any response of @connections."""


@dataclass(frozen=True, slots=True)
class Response:
    """The parts of a response of @connections that the fan-out needs."""

    status: int
    reusable: bool  # the connection may carry another request
    error_type: str  # x-amzn-errortype in lower case, such as "goneexception", or ""


class ResponseParser:
    """Parses one response at a time: `feed` it what arrives, and `end` it when the peer closes."""

    __slots__ = ("_buffer", "_head", "_length")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: Response | None = None
        self._length: int | None = 0  # of the body; None: chunked; -1: until the close

    @property
    def started(self) -> bool:
        """Whether a part of a response has arrived."""
        return bool(self._buffer) or self._head is not None

    def feed(self, data: bytes) -> Response | None:
        """Returns the response once it is complete. Raises MalformedResponse."""
        if not self._buffer and self._head is None:
            usual = _USUAL_HEAD.match(data)
            if usual and len(data) - usual.end() == int(usual[1]):
                return _DELIVERED
        if self._buffer or self._head:
            self._buffer += data
            data = b""
        while self._head is None:
            # Almost every response arrives at once and needs no buffer.
            end = (data or self._buffer).find(_END_OF_HEAD)
            if end < 0:
                self._buffer += data
                if len(self._buffer) > MAX_HEAD:
                    raise MalformedResponse("the head is too large")
                return None
            if not data:
                data = bytes(self._buffer)
                self._buffer.clear()
            self._read_head(data[:end])
            data = data[end + len(_END_OF_HEAD) :]
        self._buffer += data
        if self._length is None:
            return self._read_chunks(self._head)
        if len(self._buffer) > MAX_BODY or self._length > MAX_BODY:
            raise MalformedResponse("the body is too large")
        if self._length < 0 or len(self._buffer) < self._length:
            return None
        if len(self._buffer) > self._length:
            raise MalformedResponse("there is more than one response")
        return self._complete(self._head)

    def end(self) -> Response | None:
        """Record that the peer closed. Returns the response that ends with this, if it is pending.

        Only a response without a length ends with the connection. Any other is lost.
        """
        if self._head is not None and self._length == -1:
            return self._complete(self._head)
        return None

    def _complete(self, response: Response) -> Response:
        self._buffer.clear()
        self._head = None
        return response

    def _read_head(self, head: bytes) -> None:
        line, _, rest = head.partition(b"\r\n")
        if not line.startswith(b"HTTP/1.") or not line[9:12].isdigit():
            raise MalformedResponse("it is not HTTP/1.1")
        status = int(line[9:12])
        if status < 200:
            return  # interim; the final response follows
        headers = b"\r\n" + rest.lower()
        length = _header(headers, b"content-length")
        if _header(headers, b"transfer-encoding") == b"chunked":
            self._length = None
        elif status in (204, 304):
            self._length = 0
        elif length and not length.isdigit():
            raise MalformedResponse("the content length is not a number")
        else:
            self._length = int(length) if length else -1
        closes = self._length == -1 or _header(headers, b"connection") == b"close"
        error_type = b"" if status == 200 else _header(headers, b"x-amzn-errortype")
        self._head = _response(status, not closes, error_type)

    def _read_chunks(self, response: Response) -> Response | None:
        if len(self._buffer) > MAX_BODY:
            raise MalformedResponse("the body is too large")
        position = 0
        while (line_end := self._buffer.find(b"\r\n", position)) >= 0:
            size_text = bytes(self._buffer[position:line_end]).split(b";")[0].strip()
            if not size_text or size_text.strip(b"0123456789abcdefABCDEF"):
                raise MalformedResponse("the chunk size is not a number")
            size = int(size_text, 16)
            if size == 0:
                # Trailers end with an empty line, like a head.
                end = self._buffer.find(_END_OF_HEAD, line_end)
                if end < 0:
                    return None
                if end + len(_END_OF_HEAD) != len(self._buffer):
                    raise MalformedResponse("there is more than one response")
                return self._complete(response)
            position = line_end + 2 + size + 2
        return None


_DELIVERED: Final = Response(200, reusable=True, error_type="")


@lru_cache(maxsize=64)
def _response(status: int, reusable: bool, error_type: bytes) -> Response:
    # Some services append a namespace after ":".
    return Response(status, reusable, error_type.partition(b":")[0].decode("latin-1"))


def _header(headers: bytes, name: bytes) -> bytes:
    """The value of one header among lower-case lines that each begin with a line break."""
    start = headers.find(b"\r\n" + name + b":")
    if start < 0:
        return b""
    start += len(name) + 3
    end = headers.find(b"\r\n", start)
    return headers[start : end if end >= 0 else None].strip()
