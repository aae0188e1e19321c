"""How a refusal, or any other error, is shown: as problem+json, as a region or as a page. One handler for all."""

import logging
from typing import Any

from flask import Flask, Response, g, jsonify, request
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from storefront.database import db, is_busy
from storefront.errors import Busy, Refusal
from storefront.htmx import asked_region, show, show_error_region

RETRY_AFTER = {429: 60, 503: 2}
"""Seconds after which trying again makes sense, where nobody said it more exactly."""
SAID_BETTER = {
    404: ("Not found", "There is nothing at this address."),
    405: ("Method not allowed", "This address does not take that method."),
    413: ("Too large", "What was sent is larger than the shop takes."),
    415: ("Unsupported media type", "Send the body as application/json."),
    429: ("Too many requests", "That was a little fast. Please wait a moment and try again."),
    500: ("Something broke", "The shop made a mistake. Nothing was lost; please try again."),
    503: ("Not available", "The shop can't answer at the moment. Please try again shortly."),
}
log = logging.getLogger("storefront.problems")


def init_app(app: Flask) -> None:
    app.register_error_handler(Refusal, refused)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(OperationalError, database_error)
    app.register_error_handler(Exception, broken)


def refused(refusal: Refusal) -> Response:
    return answer(refusal.status, refusal.type, refusal.title, refusal.detail, refusal.extra())


def http_error(error: HTTPException) -> Response:
    status = error.code or 500
    if error.response is not None or 300 <= status < 400:
        return error.get_response()  # type: ignore[return-value]
    title, detail = SAID_BETTER.get(status, (error.name, error.description or error.name))
    response = answer(status, error.name.lower().replace(" ", "-"), title, detail)
    response.headers.extend({k: v for k, v in error.get_headers() if k in ("Allow", "Retry-After")})
    return response


def database_error(error: OperationalError) -> Response:
    """A database that is locked or away for the moment is a 503, which may be tried again."""
    db.session.rollback()
    log.warning("the database did not answer: %s", error.orig)
    if is_busy(error):
        return refused(Busy())
    return answer(503, "unavailable", *SAID_BETTER[503])


def broken(error: Exception) -> Response:
    log.error("unhandled error", exc_info=error)
    return answer(500, "internal-server-error", *SAID_BETTER[500])


def answer(status: int, type: str, title: str, detail: str, extra: dict[str, Any] | None = None) -> Response:
    g.problem = type
    if request.path.startswith("/api/"):
        problem = {"type": f"/problems/{type}", "title": title, "status": status, "detail": detail}
        response = jsonify(problem | (extra or {}))
        response.status_code = status
        response.mimetype = "application/problem+json"
    elif asked_region():
        response = show_error_region("base.html", "messages", status, messages=lambda: [("error", detail)])
    else:
        home = request.script_root + "/" if g.get("tenant") else "/"
        response = show("errors/error.html", http_status=status, status=status, title=title, detail=detail, home=home)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if status in RETRY_AFTER:
        response.headers.setdefault("Retry-After", str(RETRY_AFTER[status]))
    return response
