"""Pages and API answers, packed for whoever says that they can unpack them.

Packed text tells by its length that it repeats itself, so nobody may put words of their choice beside a secret
(BREACH): no page that holds one (a cart's or an order's id) repeats what its address says, and the shop takes forms
from its own pages only.
"""

import gzip

from flask import Flask, Response, request
from werkzeug.http import parse_accept_header

LEAST = 1000
"""Bytes below which packing gains nothing: all of it fits into one packet."""
LEVEL = 3
"""A list page is 6 times smaller for a quarter of a millisecond; the best level gains 6 % more for three times that."""
TEXTS = ("text/html", "text/plain", "application/json", "application/problem+json")


def init_app(app: Flask) -> None:
    app.after_request(pack)


def pack(response: Response) -> Response:
    """The answer, packed if that is asked for. Streams stay as they are: what they say must not wait."""
    if response.mimetype not in TEXTS or not response.is_sequence or "Content-Encoding" in response.headers:
        return response
    vary = response.headers.get("Vary")
    response.headers["Vary"] = f"{vary}, Accept-Encoding" if vary else "Accept-Encoding"
    if takes_gzip(request.environ.get("HTTP_ACCEPT_ENCODING", "")) and len(body := response.get_data()) >= LEAST:
        response.set_data(gzip.compress(body, LEVEL, mtime=0))
        response.headers["Content-Encoding"] = "gzip"
    return response


def takes_gzip(accepted: str) -> bool:
    """Whether this Accept-Encoding allows gzip."""
    return "gzip" in accepted and parse_accept_header(accepted).quality("gzip") > 0
