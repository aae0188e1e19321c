"""Pages and API answers, packed for whoever says that they can unpack them.

Packed text tells by its length that it repeats itself, so nobody may put words of their choice beside a secret
(BREACH): no page that holds one (a cart's or an order's id) repeats what its address says, and the shop takes forms
from its own pages only.
"""

import gzip
from functools import lru_cache

from flask import Flask, Response, g, request
from werkzeug.http import parse_accept_header

from storefront.web.htmx import vary_by

MIN_COMPRESS_BYTES = 1000
"""Bytes below which packing gains nothing: all of it fits into one packet."""
COMPRESSION_LEVEL = 3
"""A list page is 6 times smaller for a quarter of a millisecond; the best level gains 6 % more for three times that."""
COMPRESSIBLE_TYPES = ("text/html", "text/plain", "application/json", "application/problem+json")


def init_app(app: Flask) -> None:
    app.after_request(compress_response)


def compress_response(response: Response) -> Response:
    """The answer, packed if that is asked for. Streams stay as they are: what they say must not wait."""
    if (
        response.mimetype not in COMPRESSIBLE_TYPES
        or not response.is_sequence
        or "Content-Encoding" in response.headers
    ):
        return response
    vary_by(response, "Accept-Encoding")
    if (
        accepts_gzip(request.environ.get("HTTP_ACCEPT_ENCODING", ""))
        and len(body := response.get_data()) >= MIN_COMPRESS_BYTES
    ):
        response.set_data(packed_shared(body) if g.get("is_shared") else gzip_cached(body, COMPRESSION_LEVEL))
        response.headers["Content-Encoding"] = "gzip"
    return response


def share() -> None:
    """Say that the running request's answer is the same for everybody who asks for it: it holds nothing of a session, a
    buyer or an order, and of a cart at most the number of pieces in the badge."""
    g.is_shared = True


@lru_cache(maxsize=50)
def packed_shared(text: bytes) -> bytes:
    """Remembered, because a shelf is the same for everybody until something is sold: looking it up takes a tenth of
    the time. Only what `share` was said of may be kept here; all else would stay in memory long after its request, and
    push the shelves out."""
    return gzip_cached(text, COMPRESSION_LEVEL)


def gzip_cached(text: bytes, level: int) -> bytes:
    return gzip.compress(text, level, mtime=0)


def accepts_gzip(accepted: str) -> bool:
    """Whether this Accept-Encoding allows gzip."""
    return "gzip" in accepted and parse_accept_header(accepted).quality("gzip") > 0
