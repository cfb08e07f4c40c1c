"""Responses with the files of the built page, as the hosted site sends them."""

import mimetypes
import os
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from websockets.datastructures import Headers
from websockets.http11 import Response

INDEX: Final = "index.html"
# Equal to those in infra/site_files.py, which local/ may not import.
CHECKED: Final = "no-cache"
A_YEAR: Final = "public, max-age=31536000, immutable"


def file_response(folder: Path, target: str) -> Response:
    """The file at a request's target. A path without a file extension is a route of the page."""
    route = unquote(urlsplit(target).path)
    parts = [part for part in route.split("/") if part not in ("", ".")]
    path = folder.joinpath(*parts)
    # "..", because no request may leave the folder. os.path, because Path.is_file raises for some
    # names, such as one that is too long.
    if ".." in parts or (not os.path.isfile(path) and path.suffix):  # noqa: PTH113
        return text_response(HTTPStatus.NOT_FOUND, "There is no such file.")
    if not os.path.isfile(path):  # noqa: PTH113
        path = folder / INDEX
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    hashed = route.startswith("/assets/")
    return response(HTTPStatus.OK, kind, path.read_bytes(), A_YEAR if hashed else CHECKED)


def text_response(status: HTTPStatus, text: str) -> Response:
    """A response that is one line of plain text."""
    return response(status, "text/plain; charset=utf-8", f"{text}\n".encode())


def response(
    status: HTTPStatus, content_type: str, body: bytes, cache_control: str = CHECKED
) -> Response:
    """A response with the headers of every file of the site. The connection ends after it."""
    headers = Headers(
        {
            "Content-Type": content_type,
            "Content-Length": str(len(body)),
            "Cache-Control": cache_control,
            "X-Content-Type-Options": "nosniff",
            "Connection": "close",
        }
    )
    return Response(status, status.phrase, headers, body)
