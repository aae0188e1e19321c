"""The outermost WSGI middleware: assigns each request its request id (X-Request-ID), and logs and answers exceptions
that no error handler of Flask sees (in other middleware, in an error handler, before and after a request)."""

import logging
import sys
import time
from collections.abc import Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.datastructures import EnvironHeaders
from werkzeug.wrappers import Response

from storefront.observability.logging import log_request, request_id_from
from storefront.web.bare_errors import bare_error
from storefront.web.environ import LOGGED, REQUEST_ID

HEADER = "X-Request-ID"
log = logging.getLogger("storefront.observability.error_boundary")


class ErrorBoundary:
    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        started_at, response_started = time.perf_counter(), False
        request_id = environ[REQUEST_ID] = request_id_from(environ.get("HTTP_X_REQUEST_ID", ""))

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal response_started
            if LOGGED not in environ and status >= "4":
                headers = [*((name, value) for name, value in headers if name != HEADER), (HEADER, request_id)]
                seconds = time.perf_counter() - started_at
                log_request(environ["REQUEST_METHOD"], None, int(status[:3]), seconds, request_id=request_id)
            if response_started:  # replaces it if nothing was sent yet, for which WSGI requires exc_info
                return start_response(status, headers, exc_info or sys.exc_info())
            response_started = True
            return start_response(status, headers)

        try:
            return self.app(environ, start)
        except Exception:
            log.exception("unhandled error", extra={"request_id": request_id})
            environ.pop(LOGGED, None)
            return internal_error(environ, request_id)(environ, start)


def internal_error(environ: WSGIEnvironment, request_id: str) -> Response:
    title, detail = "Something went wrong", "An unexpected error occurred. Please try again."
    path, headers = environ.get("PATH_INFO", ""), EnvironHeaders(environ)
    response = bare_error(headers, path, 500, "internal-server-error", title, detail, request_id)
    response.headers["Cache-Control"] = "no-store"
    return response
