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

from storefront.operators.metrics import count_request
from storefront.operators.redaction import redact

access = logging.getLogger("storefront.access")
ROW_VALUES = re.compile(r"^(DETAIL|CONTEXT):.*$", re.MULTILINE)
"""Where PostgreSQL repeats a row's values in its errors: e-mail addresses, and ids that open a cart or an order."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

CONFIG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "storefront.operators.logs.LineFormatter"}},
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


class LineFormatter(logging.Formatter):
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
            line["request_id"], line["tenant"] = g.get("request_id"), g.get("tenant_id")
        line |= {name: value for name, value in record.__dict__.items() if name not in USUAL}
        if record.exc_info:
            line["exc_info"] = ROW_VALUES.sub(r"\1: left out", self.formatException(record.exc_info))
        return redact(encode(line))


encode = json.JSONEncoder(default=str).encode
USUAL = {*logging.makeLogRecord({}).__dict__, "message", "asctime"}
"""What every record has; the rest came by `extra`."""


def leave_out_what_no_line_says() -> None:
    """Neither thread nor caller is logged, so neither is looked up (Python's "Logging HOWTO", Optimization)."""
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None


def init_app(app: Flask) -> None:
    app.before_request(start)
    app.after_request(finish)


def start() -> None:
    """Note the time, and the request's id: the caller's X-Request-ID if it is one, else a new one."""
    g.started = time.perf_counter()
    g.request_id = request_id_from(request.headers.get("X-Request-ID", ""))


def request_id_from(given: str) -> str:
    """The id that a request came with, or a new one when that is none or could be confused with other text."""
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def finish(response: Response) -> Response:
    seconds = time.perf_counter() - g.started
    route = request.url_rule.rule if request.url_rule else None
    response.headers["X-Request-ID"] = g.request_id
    count_request(request.method, route, response.status_code, seconds)
    if not quiet(route):
        access.info(
            "request",
            extra={
                "method": request.method,
                "route": route,
                "status": response.status_code,
                "duration_ms": round(seconds * 1000, 2),
            },
        )
    return response


def quiet(route: str | None) -> bool:
    """Probes come every few seconds and say nothing."""
    return route in ("/healthz", "/readyz", "/metrics")
