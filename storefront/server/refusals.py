"""Responses to requests that never reach the app: malformed, too large, too slow, or after an internal error.

They are in English, because the header with the client's language usually wasn't parsed either.
"""

import json
import re
from dataclasses import dataclass
from html import escape
from http import HTTPStatus

from gunicorn.http import errors

from storefront.observability.logging import access, request_id_from
from storefront.observability.metrics import count_request
from storefront.server.request_buffer import BodyTooLarge

API_TARGET = re.compile(rb"(?:https?://[^/?#\s]*)?(?:/t/[^/?#\s]*)?/api/", re.IGNORECASE)
"""Targets below a shop's `/api`, in both URL forms (subdomain and prefix)."""
REQUEST_ID_HEADER = re.compile(rb"\r\nX-Request-ID:[ \t]*([A-Za-z0-9._-]+)[ \t]*\r\n", re.IGNORECASE)
SECURITY_HEADERS = (
    "X-Content-Type-Options: nosniff\r\nContent-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
    "Cache-Control: no-store\r\n"
)


@dataclass(frozen=True)
class Refused:
    """An error response. `type` is the last segment of the problem's type URI."""

    status: int
    type: str
    title: str
    detail: str


MALFORMED = Refused(400, "bad-request", "Bad request", "The request couldn't be processed.")
TIMED_OUT = Refused(408, "request-timeout", "Request timeout", "The request took too long to arrive. Please try again.")
INTERNAL_ERROR = Refused(
    500, "internal-server-error", "Something went wrong", "An unexpected error occurred. Please try again."
)
OVERLOADED = Refused(
    503, "unavailable", "Temporarily unavailable", "The shop is temporarily unavailable. Please try again shortly."
)
BY_ERROR: dict[type[Exception], Refused] = {
    BodyTooLarge: Refused(
        413, "request-entity-too-large", "Request too large", "The request exceeds the maximum size."
    ),
    errors.LimitRequestLine: Refused(
        414, "request-uri-too-long", "URL too long", "The URL exceeds the maximum length."
    ),
    errors.LimitRequestHeaders: Refused(
        431, "request-header-fields-too-large", "Headers too large", "The request headers exceed the maximum size."
    ),
    errors.ExpectationFailed: Refused(
        417, "expectation-failed", "Expectation failed", "Only the expectation 100-continue is supported."
    ),
    errors.UnsupportedTransferCoding: Refused(
        501, "not-implemented", "Not implemented", "Only the transfer coding chunked is supported."
    ),
    errors.ParseException: MALFORMED,
    OSError: OVERLOADED,
}
"""Searched in this order; the first match is used."""


def refusal_of(error: Exception) -> Refused:
    """Return the response to an error that was raised while a request was read."""
    return next((refused for kind, refused in BY_ERROR.items() if isinstance(error, kind)), INTERNAL_ERROR)


def respond(refused: Refused, start: bytes, seconds: float, cause: str) -> bytes:
    """Return the complete response; write the log line and count the request, as the app does for its own.

    `start` is the head of the request or the part that has arrived, `seconds` the time since its first byte, and
    `cause` the reason for the log.
    """
    given = REQUEST_ID_HEADER.search(start)
    request_id = request_id_from(given[1].decode("ascii") if given else "")
    method, target = method_and_target(start)
    count_request(method, None, refused.status, seconds)
    details = {"method": method, "route": None, "status": refused.status, "duration_ms": round(seconds * 1000, 2)}
    access.info("request", extra={**details, "request_id": request_id, "tenant": None, "cause": cause})
    kind, body = as_problem(refused) if API_TARGET.match(target) else as_page(refused, request_id)
    reason = HTTPStatus(refused.status).phrase
    retry = "Retry-After: 2\r\n" if refused is OVERLOADED else ""
    head = (
        f"HTTP/1.1 {refused.status} {reason}\r\nConnection: close\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\nX-Request-ID: {request_id}\r\n{retry}{SECURITY_HEADERS}\r\n"
    )
    return head.encode("ascii") + (b"" if method == "HEAD" else body)


def method_and_target(start: bytes) -> tuple[str, bytes]:
    """Parse the request line of a possibly malformed request; missing parts are empty."""
    parts = start.lstrip(b"\r\n").split(b"\r\n", 1)[0].split(b" ", 2)
    method = parts[0].decode("latin-1") if re.fullmatch(rb"[A-Z]{3,20}", parts[0]) else ""
    return method, parts[1] if len(parts) > 1 else b""


def as_problem(refused: Refused) -> tuple[str, bytes]:
    problem = {
        "type": f"/problems/{refused.type}",
        "title": refused.title,
        "status": refused.status,
        "detail": refused.detail,
    }
    return "application/problem+json", json.dumps(problem).encode()


def as_page(refused: Refused, request_id: str) -> tuple[str, bytes]:
    page = (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{escape(refused.title)}</title>\n'
        f"<h1>{escape(refused.title)}</h1>\n<p>{escape(refused.detail)}</p>\n"
        f"<p>Error {refused.status}, request {request_id}</p>\n</html>\n"
    )
    return "text/html; charset=utf-8", page.encode()
