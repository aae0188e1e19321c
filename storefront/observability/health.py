"""Operational endpoints: liveness (/healthz), readiness (/readyz) and metrics (/metrics)."""

from flask import Blueprint, Response, jsonify, request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from storefront.db.base import db
from storefront.errors import NotFound
from storefront.observability.loopback import is_direct_from_loopback
from storefront.observability.metrics import exposition
from storefront.observability.readiness import can_write
from storefront.state import current_state
from storefront.web.rate_limits import limit_token_guesses
from storefront.web.security import has_bearer_token

pages = Blueprint("observability", __name__)


@pages.get("/healthz")
def alive() -> Response:
    return jsonify(status="ok")


@pages.get("/readyz")
def ready() -> tuple[Response, int]:
    """Respond with 200 if the database responds and is writable, otherwise 503."""
    try:
        with db.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return jsonify(status="the database is unavailable"), 503
    if not can_write():
        return jsonify(status="the database is not writable"), 503
    return jsonify(status="ok"), 200


@pages.get("/metrics")
@limit_token_guesses
def metrics() -> Response:
    """Return Prometheus text to clients with METRICS_TOKEN and to direct requests from this machine; otherwise raise
    `NotFound`."""
    if not may_read_metrics():
        raise NotFound("We couldn't find this page.")
    body, content_type = exposition()
    return Response(body, content_type=content_type)


def may_read_metrics() -> bool:
    settings = current_state().settings
    if has_bearer_token(settings.metrics_token):
        return True
    return is_direct_from_loopback(request.environ)
