"""Logs for machines: one JSON object a line on standard output, with the request it belongs to."""

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
"""Where PostgreSQL repeats a row's values in its errors: e-mail addresses, and ids that open a cart or an order."""
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
    """Time, level, logger and message, what `extra` says, and the request's id and tenant when there is one. Without
    secrets, wherever they come from."""

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
"""What every record has; the rest came by `extra`."""


def disable_unused_log_fields() -> None:
    """Neither thread nor caller is logged, so neither is looked up (Python's "Logging HOWTO", Optimization)."""
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None


def init_app(app: Flask) -> None:
    app.before_request(start_request)
    app.after_request(finish_request)


def start_request() -> None:
    g.started = time.perf_counter()


def request_id_from(given: str) -> str:
    """The id that a request came with, or a new one when that is none or could be confused with other text."""
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def finish_request(response: Response) -> Response:
    """Log the request. `start` didn't run for what failed before it."""
    seconds = time.perf_counter() - g.get("started", time.perf_counter())
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
    """Probes come every few seconds and say nothing."""
    return route in ("/healthz", "/readyz", "/metrics")
