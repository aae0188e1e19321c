"""Records impressions and exposures, and attributes cart lines of the API to impressions (attribution).

Impressions of pages are buffered (write-behind): they are written together a moment later, because each write competes
with orders. Those of API requests are written at once, because the client's next request may refer to them."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any

from flask import Flask
from sqlalchemy.exc import OperationalError

from storefront.db.tenancy import execute, insert_if_absent, insert_rows
from storefront.db.tenant_context import current_tenant_id, tenant_context
from storefront.db.transactions import write
from storefront.errors import DatabaseBusy
from storefront.ids import is_id
from storefront.scheduler import job_scheduler
from storefront.state import state_of, this_app
from storefront.timings import timings_of
from storefront.upsell.experiment.models import UpsellExposure
from storefront.upsell.models import SELECT_IMPRESSION_SUGGESTIONS, SELECT_LAST_IMPRESSION, UpsellImpression

log = logging.getLogger("storefront.upsell")
MAX_PENDING = 5000
"""Impressions of a shop that are buffered while the database can't be written to; the oldest are dropped first."""


@dataclass(frozen=True)
class PendingImpression:
    """A row of `UpsellImpression` and one of `UpsellExposure`."""

    impression: Mapping[str, Any]
    exposure: Mapping[str, Any]


class ImpressionBuffer:
    """The impressions of this process that are not written yet, by tenant."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[str, list[PendingImpression]] = {}

    def add(self, tenant_id: str, entry: PendingImpression) -> None:
        with self._lock:
            waiting = self._waiting.setdefault(tenant_id, [])
            waiting.append(entry)
            del waiting[:-MAX_PENDING]

    def take(self, tenant_id: str) -> list[PendingImpression]:
        with self._lock:
            return self._waiting.pop(tenant_id, [])

    def put_back(self, tenant_id: str, entries: Sequence[PendingImpression]) -> None:
        with self._lock:
            self._waiting[tenant_id] = [*entries, *self._waiting.get(tenant_id, ())][-MAX_PENDING:]

    def tenants(self) -> list[str]:
        with self._lock:
            return list(self._waiting)


def impression_buffer(app: Flask) -> ImpressionBuffer:
    return state_of(app).impressions


def record(entry: PendingImpression, later: bool) -> None:
    """Write the entry: now, or `later` if this process runs background jobs."""
    app = this_app()
    if later and job_scheduler(app).is_running:
        impression_buffer(app).add(current_tenant_id(), entry)
        schedule_flush(app, current_tenant_id(), timings_of(app).impression_flush_delay)
    else:
        insert_impressions([entry])


def schedule_flush(app: Flask, tenant_id: str, seconds: float) -> None:
    job_scheduler(app).schedule(seconds, ("shown", tenant_id), partial(flush_tenant, app, tenant_id), debounce=False)


def insert_impressions(entries: Sequence[PendingImpression]) -> None:
    """Write the entries in one transaction. Of a cart's exposures the first counts. They are sorted by their key, so
    that two processes that write the same carts don't deadlock."""
    exposures = sorted((entry.exposure for entry in entries), key=lambda row: row["cart_id"])
    with write():
        insert_if_absent(UpsellExposure, exposures)
        insert_rows(UpsellImpression, [entry.impression for entry in entries])


def flush_tenant(app: Flask, tenant_id: str) -> None:
    """Write the buffered impressions of a tenant. When the database can't be written to, they return to the buffer and
    another flush is scheduled."""
    entries = impression_buffer(app).take(tenant_id)
    if not entries:
        return
    try:
        with app.app_context(), tenant_context(tenant_id):
            insert_impressions(entries)
    except (DatabaseBusy, OperationalError):
        log.warning("%d impressions of suggestions wait, because the database can't be written to", len(entries))
        impression_buffer(app).put_back(tenant_id, entries)
        schedule_flush(app, tenant_id, timings_of(app).impression_retry_delay)
    except Exception:
        log.exception("%d impressions of suggestions are lost", len(entries))


def flush_all(app: Flask) -> None:
    for tenant_id in impression_buffer(app).tenants():
        flush_tenant(app, tenant_id)


def was_suggested(impression_id: str | None, cart_id: str, product_id: str) -> bool:
    """Whether an impression of the JSON API, which is stored before it is sent, suggested this product to this cart."""
    if not impression_id or not is_id(impression_id) or not is_id(cart_id):
        return False
    parameters = {"impression": impression_id, "cart": cart_id}
    suggestions = execute(SELECT_IMPRESSION_SUGGESTIONS, parameters).scalar()
    return any(suggestion["product_id"] == product_id for suggestion in suggestions or ())


def last_impression(cart_id: str) -> Any:
    """The latest impression of this cart: a row of (id, source, suggestions), or None."""
    return execute(SELECT_LAST_IMPRESSION, {"cart": cart_id}).one_or_none()
