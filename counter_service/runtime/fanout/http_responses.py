"""Reads HTTP/1.1 answers out of what arrives on a connection. Pure: bytes in, answers out."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

MAX_HEAD: Final = 16 * 1024
# @connections answers in tens of bytes; whatever sends more is not it.
MAX_BODY: Final = 64 * 1024

_END_OF_HEAD: Final = b"\r\n\r\n"


class MalformedResponse(Exception):
    """Not HTTP/1.1, or larger than any answer of @connections."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    reusable: bool  # the connection may carry another request
    error_type: str  # x-amzn-errortype in lower case, such as "goneexception", or ""


class ResponseParser:
    """One answer at a time: `feed` what arrives, `end` when the far side closed."""

    __slots__ = ("_buffer", "_head", "_length")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: Answer | None = None
        self._length: int | None = 0  # of the body; None: chunked; -1: until the close

    @property
    def started(self) -> bool:
        """Something of an answer is here."""
        return bool(self._buffer) or self._head is not None

    def feed(self, data: bytes) -> Answer | None:
        """The answer, once it is whole. Raises MalformedResponse."""
        if self._buffer or self._head:
            self._buffer += data
            data = b""
        while self._head is None:
            # Nearly always the whole answer is here at once, and nothing needs a buffer.
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
            raise MalformedResponse("there is more than one answer")
        return self._whole(self._head)

    def end(self) -> Answer | None:
        """The far side closed: an answer that runs until then is whole, any other is lost."""
        if self._head is not None and self._length is not None and self._length < 0:
            return self._whole(self._head)
        return None

    def _whole(self, answer: Answer) -> Answer:
        self._buffer.clear()
        self._head = None
        self._length = 0
        return answer

    def _read_head(self, head: bytes) -> None:
        line, _, rest = head.partition(b"\r\n")
        if not line.startswith(b"HTTP/1.") or not line[9:12].isdigit():
            raise MalformedResponse("it is not HTTP/1.1")
        status = int(line[9:12])
        if status < 200:
            return  # interim; the answer follows
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
        # Lower case, with the namespace that some services put behind it left out.
        error_type = b"" if status == 200 else _header(headers, b"x-amzn-errortype")
        self._head = _answer(status, not closes, error_type)

    def _read_chunks(self, answer: Answer) -> Answer | None:
        if len(self._buffer) > MAX_BODY:
            raise MalformedResponse("the body is too large")
        position = 0
        while (line_end := self._buffer.find(b"\r\n", position)) >= 0:
            size_text = bytes(self._buffer[position:line_end]).split(b";")[0].strip()
            if not size_text or size_text.strip(b"0123456789abcdefABCDEF"):
                raise MalformedResponse("the chunk size is not a number")
            size = int(size_text, 16)
            if size == 0:
                # Trailers, if any, end with an empty line like a head does.
                end = self._buffer.find(_END_OF_HEAD, line_end)
                if end < 0:
                    return None
                if end + len(_END_OF_HEAD) != len(self._buffer):
                    raise MalformedResponse("there is more than one answer")
                return self._whole(answer)
            position = line_end + 2 + size + 2
        return None


@lru_cache(maxsize=64)
def _answer(status: int, reusable: bool, error_type: bytes) -> Answer:
    return Answer(status, reusable, error_type.partition(b":")[0].decode("latin-1"))


def _header(headers: bytes, name: bytes) -> bytes:
    """One value out of lower-case header lines that each begin with a line break."""
    start = headers.find(b"\r\n" + name + b":")
    if start < 0:
        return b""
    start += len(name) + 3
    end = headers.find(b"\r\n", start)
    return headers[start : end if end >= 0 else None].strip()
