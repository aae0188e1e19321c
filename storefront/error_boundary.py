"""In front of everything: each request has an id, and whatever breaks is logged and answered, also where Flask has no
error handler (in other middleware, in an error handler itself, before and after a request)."""

import logging
import re
import secrets
import sys
import time
from collections.abc import Iterable
from functools import partial
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.datastructures import EnvironHeaders

from storefront.bare_errors import bare_error
from storefront.operators.logs import LOGGED, REQUEST_ID, log_request

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
log = logging.getLogger("storefront.problems")


class ErrorBoundary:
    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        started = time.perf_counter()
        given = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = environ[REQUEST_ID] = given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            if LOGGED not in environ and status >= "4":
                headers = [(name, value) for name, value in headers if name != "X-Request-ID"]
                headers.append(("X-Request-ID", request_id))
                seconds = time.perf_counter() - started
                log_request(environ["REQUEST_METHOD"], None, int(status[:3]), seconds, request_id=request_id)
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        try:
            return self.app(environ, start)
        except Exception:
            log.exception("unhandled error", extra={"request_id": request_id})
            environ.pop(LOGGED, None)
            return answer(environ, request_id, start)


def restart(start: Any, fault: Any, status: str, headers: list[tuple[str, str]], _: Any = None) -> Any:
    """Replace the head that may have been given to the server already, as long as it isn't sent."""
    return start(status, headers, fault)


def answer(environ: WSGIEnvironment, request_id: str, start: Any) -> Iterable[bytes]:
    """A 500 in place of what was to be said, if that hasn't been sent yet; needs to be called where it was caught."""
    fault = sys.exc_info()
    response = bare_error(
        EnvironHeaders(environ),
        environ.get("PATH_INFO", ""),
        500,
        "internal-server-error",
        "Something broke",
        "The shop made a mistake. Nothing was lost; please try again.",
        request_id,
    )
    response.headers["Cache-Control"] = "no-store"
    return response(environ, partial(restart, start, fault))
