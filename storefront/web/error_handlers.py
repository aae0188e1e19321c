"""Error handlers: render refusals and all other errors as problem details (RFC 9457), as a partial or as a page."""

import logging
from typing import Any

from flask import Flask, Response, current_app, g, jsonify, request
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from storefront.db.base import db
from storefront.db.errors import is_busy, is_unavailable, reason
from storefront.db.transactions import release_reader
from storefront.errors import DatabaseBusy, Refusal, Unavailable
from storefront.i18n.gettext import N_, _
from storefront.web.bare_errors import bare_error
from storefront.web.environ import REQUEST_ID
from storefront.web.htmx import render_error_partial, render_page, requested_partial

RETRY_AFTER_SECONDS = {429: 60, 503: 2}
"""By status; used for `Retry-After` unless the response already has one."""
HTTP_ERROR_TEXTS = {
    404: (N_("Not found"), N_("We couldn't find this page.")),
    405: (N_("Method not allowed"), N_("This URL doesn't support that method.")),
    413: (N_("Request too large"), N_("The request exceeds the maximum size.")),
    415: (N_("Unsupported media type"), N_("Send the request body as application/json.")),
    429: (N_("Too many requests"), N_("Too many requests in a short time. Please wait a moment and try again.")),
    500: (N_("Something went wrong"), N_("An unexpected error occurred. Please try again.")),
    503: (N_("Temporarily unavailable"), N_("The shop is temporarily unavailable. Please try again shortly.")),
}
DEFAULT_ERROR_TEXT = (N_("Bad request"), N_("The request couldn't be processed."))
log = logging.getLogger("storefront.web.error_handlers")


def init_app(app: Flask) -> None:
    app.register_error_handler(Refusal, handle_domain_error)
    app.register_error_handler(HTTPException, handle_http_error)
    app.register_error_handler(DBAPIError, handle_database_error)
    app.register_error_handler(PoolTimeout, handle_database_error)
    app.register_error_handler(Exception, handle_unexpected_error)


def handle_domain_error(refusal: Refusal) -> Response:
    return problem_response(refusal.status, refusal.type, refusal.title, refusal.detail, refusal.problem_members())


def handle_http_error(error: HTTPException) -> Response:
    status = error.code or 500
    if error.response is not None or 300 <= status < 400:
        return error.get_response()  # type: ignore[return-value]
    title, detail = HTTP_ERROR_TEXTS.get(status, DEFAULT_ERROR_TEXT)
    response = problem_response(status, error.name.lower().replace(" ", "-"), title, translate_or_source(detail))
    response.headers.update({k: v for k, v in error.get_headers() if k in ("Allow", "Retry-After")})
    return response


def handle_database_error(error: DBAPIError | PoolTimeout) -> Response:
    """Respond with a 503 that may be repeated if the database is busy, unavailable or not writable."""
    roll_back_session()
    if not is_unavailable(error):
        return handle_unexpected_error(error)
    log.warning("database unavailable: %s", reason(error))
    return handle_domain_error(DatabaseBusy() if is_busy(error) else Unavailable())


def roll_back_session() -> None:
    """Roll back the session; a failure is only logged, because the database may be unavailable."""
    try:
        db.session.rollback()
        release_reader()
    except SQLAlchemyError as fault:
        log.warning("could not roll back the session: %s", fault)


def handle_unexpected_error(error: Exception) -> Response:
    log.error("unhandled error", exc_info=error)
    title, detail = HTTP_ERROR_TEXTS[500]
    return problem_response(500, "internal-server-error", title, translate_or_source(detail))


def translate_or_source(message: str) -> str:
    """Translate a marked message; return the English source if translating it fails."""
    try:
        return _(message)
    except Exception:
        log.exception("could not translate an error message")
        return message


def problem_response(status: int, type: str, title: str, detail: str, extra: dict[str, Any] | None = None) -> Response:
    """Render an error. `title` is a marked message, `detail` is already translated, `extra` has extension members.

    `g.problem` tells templates that they render an error, so that they make no query.
    """
    g.problem, title = type, translate_or_source(title)
    g.pop("is_shared", None)
    try:
        response = render_problem(status, type, title, detail, extra)
    except Exception:
        log.exception("could not render the error")
        plain = bare_error(request.headers, request.path, status, type, title, detail, request.environ.get(REQUEST_ID))
        response = current_app.make_response(plain)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if status in RETRY_AFTER_SECONDS:
        response.headers.setdefault("Retry-After", str(RETRY_AFTER_SECONDS[status]))
    return response


def render_problem(status: int, type: str, title: str, detail: str, extra: dict[str, Any] | None) -> Response:
    """Render problem details under `/api/`, a partial for htmx, and otherwise an error page in the shop's theme."""
    if request.path.startswith("/api/"):
        problem = {"type": f"/problems/{type}", "title": title, "status": status, "detail": detail}
        response = jsonify(problem | (extra or {}))
        response.status_code = status
        response.mimetype = "application/problem+json"
    elif requested_partial():
        response = render_error_partial("base.html", "messages", status, flashed_messages=lambda: [("error", detail)])
    else:
        home = request.script_root + "/" if g.get("tenant") else "/"
        response = render_page(
            "errors/error.html", http_status=status, status=status, title=title, detail=detail, home=home
        )
    return response
