"""Writing down what was shown to whom. A shopper's showings are written together a moment later, because each write
would take its turn between two orders; a program's at once, because its next request may come at once."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any

from flask import Flask, current_app
from sqlalchemy.exc import OperationalError

from storefront.db.tenancy import execute, insert_rows
from storefront.db.tenant_context import current_tenant_id, tenant_context
from storefront.db.transactions import write
from storefront.errors import DatabaseBusy
from storefront.upsell.concurrency import recommender_slot
from storefront.upsell.experiment.exposures import insert_exposures
from storefront.upsell.models import SELECT_LAST_IMPRESSION, UpsellImpression
from storefront.upsell.scheduler import job_scheduler

log = logging.getLogger("storefront.upsell")
FLUSH_DELAY_SECONDS = 0.4
"""Seconds after a showing in which the ones that follow it are written together with it."""
RETRY_DELAY_SECONDS = 1.0
"""Seconds after which it is tried again when the database can't be written to."""
MAX_PENDING = 5000
"""Showings of a shop that are kept while the database can't be written to; the oldest are given up first."""


@dataclass(frozen=True)
class PendingImpression:
    """A row of `UpsellImpression` and one of `UpsellExposure`, to be."""

    impression: Mapping[str, Any]
    exposure: Mapping[str, Any]


class ImpressionBuffer:
    """What this process has shown and not written yet, by tenant."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[str, list[PendingImpression]] = {}

    def keep(self, tenant_id: str, entry: PendingImpression) -> None:
        with self._lock:
            waiting = self._waiting.setdefault(tenant_id, [])
            waiting.append(entry)
            del waiting[:-MAX_PENDING]

    def waiting(self, tenant_id: str) -> list[PendingImpression]:
        with self._lock:
            return list(self._waiting.get(tenant_id, ()))

    def tenants(self) -> list[str]:
        with self._lock:
            return list(self._waiting)

    def forget(self, tenant_id: str, entries: Sequence[PendingImpression]) -> None:
        written = {id(entry) for entry in entries}
        with self._lock:
            left = [entry for entry in self._waiting.pop(tenant_id, ()) if id(entry) not in written]
            if left:
                self._waiting[tenant_id] = left


def impression_buffer(app: Flask) -> ImpressionBuffer:
    found: ImpressionBuffer = app.extensions["storefront_journal"]
    return found


def record(entry: PendingImpression, later: bool) -> None:
    """Write the entry down: now, or `later` if this process runs errands."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    if later and job_scheduler(app).is_running:
        impression_buffer(app).keep(current_tenant_id(), entry)
        schedule_flush(app, current_tenant_id(), FLUSH_DELAY_SECONDS)
    else:
        insert_impressions([entry])


def schedule_flush(app: Flask, tenant_id: str, seconds: float) -> None:
    job_scheduler(app).schedule(seconds, ("shown", tenant_id), partial(flush_tenant, app, tenant_id), debounce=False)


def insert_impressions(entries: Sequence[PendingImpression]) -> None:
    """All of them in one transaction. Exposures go in the order of their key, so that two processes that write the same
    carts wait for each other and not in a ring."""
    with write():
        insert_exposures(sorted((entry.exposure for entry in entries), key=lambda row: row["cart_id"]))
        insert_rows(UpsellImpression, [entry.impression for entry in entries])


def flush_tenant(app: Flask, tenant_id: str) -> None:
    """Write down what waits. While the database can't be written to, it goes on waiting and is tried again."""
    entries = impression_buffer(app).waiting(tenant_id)
    if not entries:
        return
    try:
        with app.app_context(), tenant_context(tenant_id), recommender_slot():
            insert_impressions(entries)
    except (DatabaseBusy, OperationalError):
        log.warning("%d showings of suggestions wait, because the database can't be written to", len(entries))
        schedule_flush(app, tenant_id, RETRY_DELAY_SECONDS)
        return
    except Exception:
        log.exception("%d showings of suggestions are lost", len(entries))
    impression_buffer(app).forget(tenant_id, entries)


def flush_all(app: Flask) -> None:
    for tenant_id in impression_buffer(app).tenants():
        flush_tenant(app, tenant_id)


def last_impression(cart_id: str) -> Any:
    """The latest showing for this cart: its id, source and suggestions, or None."""
    return execute(SELECT_LAST_IMPRESSION, {"cart": cart_id}).one_or_none()
