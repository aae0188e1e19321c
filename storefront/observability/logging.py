"""Structured logging: one JSON object per line on standard output, with the request id and the tenant of the
request."""

import json
import logging
import logging.config
import re
import secrets
import time
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, g, has_request_context, request

from storefront.observability.metrics import count_request
from storefront.observability.redaction import redact
from storefront.web.environ import LOGGED, REQUEST_ID

access = logging.getLogger("storefront.access")
ROW_VALUES = re.compile(r"^(DETAIL|CONTEXT):.*$", re.MULTILINE)
"""Lines of PostgreSQL's errors that repeat a row's values: email addresses, and ids that give access to a cart or
order."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

LOGGING_CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "storefront.observability.logging.JsonFormatter"}},
    "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}},
    "root": {"level": "INFO", "handlers": ["stdout"]},
    "loggers": {
        "gunicorn.error": {"level": "INFO", "propagate": True, "handlers": []},
        "gunicorn.access": {"level": "WARNING", "propagate": True, "handlers": []},
        "alembic": {"level": "WARNING"},
        "httpx2": {"level": "WARNING"},
        "openai": {"level": "WARNING"},
    },
}


class JsonFormatter(logging.Formatter):
    """Formats time, level, logger, message, the fields of `extra`, and the request id and tenant during a request.
    Redacts secrets."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if has_request_context():
            line["request_id"], line["tenant"] = request.environ.get(REQUEST_ID), g.get("tenant_id")
        line |= {name: value for name, value in record.__dict__.items() if name not in STANDARD_RECORD_ATTRIBUTES}
        if record.exc_info:
            line["exc_info"] = ROW_VALUES.sub(r"\1: left out", self.formatException(record.exc_info))
        return redact(encode(line))


encode = json.JSONEncoder(default=str).encode
STANDARD_RECORD_ATTRIBUTES = {*logging.makeLogRecord({}).__dict__, "message", "asctime"}
"""Attributes of every record; all others come from `extra`."""


def disable_unused_log_fields() -> None:
    """Skip looking up thread, process and caller, which aren't logged (Python's "Logging HOWTO", Optimization)."""
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None


def init_app(app: Flask) -> None:
    app.before_request(start_request)
    app.after_request(finish_request)


def start_request() -> None:
    g.started_at = time.perf_counter()


def request_id_from(given: str) -> str:
    """Return the client's request id, or a new one if it is missing or not 1 to 64 characters of A-Z a-z 0-9 . _ -."""
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def finish_request(response: Response) -> Response:
    """Log the request. `start_request` didn't run for a request that failed before it."""
    seconds = time.perf_counter() - g.get("started_at", time.perf_counter())
    route = request.url_rule.rule if request.url_rule else None
    response.headers["X-Request-ID"] = request.environ.get(REQUEST_ID, "")
    log_request(request.method, route, response.status_code, seconds)
    request.environ[LOGGED] = True
    return response


def log_request(method: str, route: str | None, status: int, seconds: float, **more: str) -> None:
    count_request(method, route, status, seconds)
    if not is_probe(route):
        duration = round(seconds * 1000, 2)
        access.info(
            "request", extra={"method": method, "route": route, "status": status, "duration_ms": duration, **more}
        )


def is_probe(route: str | None) -> bool:
    """Whether the route is a probe, which is requested every few seconds and not logged."""
    return route in ("/healthz", "/readyz", "/metrics")
