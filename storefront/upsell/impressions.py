"""Writing down what was shown to whom. A shopper's showings are written together a moment later, because each write
would take its turn between two orders; a program's at once, because its next request may come at once."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import BoundedSemaphore, Lock
from typing import Any

from flask import Flask, current_app
from sqlalchemy.exc import OperationalError

from storefront.db.tenancy import execute, insert_rows
from storefront.db.tenant_context import current_tenant_id, tenant_context
from storefront.db.transactions import release_reader, write
from storefront.errors import DatabaseBusy
from storefront.ids import is_id
from storefront.timings import timings_of
from storefront.upsell.concurrency import recommender_slot
from storefront.upsell.experiment.exposures import insert_exposures
from storefront.upsell.models import SELECT_IMPRESSION_SUGGESTIONS, SELECT_LAST_IMPRESSION, UpsellImpression
from storefront.upsell.scheduler import job_scheduler

log = logging.getLogger("storefront.upsell")
Suggestions = list[dict[str, str]]
MAX_PENDING = 5000
"""Showings of a shop that are kept while the database can't be written to; the oldest are given up first."""
MAX_POLLS, POLL_SECONDS = 6, 0.1
"""How often a showing is looked for that another process may be about to write, and the seconds between two looks."""
_poll_slots = BoundedSemaphore(2)
"""Threads of this process that may look so at once: an id that somebody made up must not hold them all."""


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
        schedule_flush(app, current_tenant_id(), timings_of(app).impression_flush_delay)
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
        schedule_flush(app, tenant_id, timings_of(app).impression_retry_delay)
        return
    except Exception:
        log.exception("%d showings of suggestions are lost", len(entries))
    impression_buffer(app).forget(tenant_id, entries)


def flush_all(app: Flask) -> None:
    for tenant_id in impression_buffer(app).tenants():
        flush_tenant(app, tenant_id)


def is_attributable(showing_id: str | None, cart_id: str, product_id: str) -> bool:
    """Whether this product was suggested to this cart in that showing."""
    if not showing_id or not is_id(showing_id) or not is_id(cart_id):
        return False
    found = buffered_suggestions(showing_id, cart_id) or stored_suggestions(showing_id, cart_id)
    return any(suggestion["product_id"] == product_id for suggestion in found or ())


def is_attributable_with_wait(showing_id: str | None, cart_id: str, product_id: str) -> bool:
    """The same where another process may have shown it a moment ago and not have written it yet: nobody presses that
    soon, but a script may."""
    if is_attributable(showing_id, cart_id, product_id):
        return True
    if not showing_id or not is_id(showing_id) or not _poll_slots.acquire(blocking=False):
        return False
    try:
        for _look in range(MAX_POLLS):
            if stored_suggestions(showing_id, cart_id) is not None:
                break
            release_reader()
            time.sleep(POLL_SECONDS)
        return is_attributable(showing_id, cart_id, product_id)
    finally:
        _poll_slots.release()


def buffered_suggestions(showing_id: str, cart_id: str) -> Suggestions | None:
    """What that showing of this process suggested, while it waits to be written."""
    waiting = impression_buffer(current_app).waiting(current_tenant_id())
    showings = (entry.impression for entry in waiting)
    ours = (one["suggestions"] for one in showings if (one["id"], one["cart_id"]) == (showing_id, cart_id))
    return next(ours, None)


def stored_suggestions(showing_id: str, cart_id: str) -> Suggestions | None:
    found: Suggestions | None = execute(
        SELECT_IMPRESSION_SUGGESTIONS, {"showing": showing_id, "cart": cart_id}
    ).scalar()
    return found


def last_impression(cart_id: str) -> Any:
    """The latest showing for this cart: its id, source and suggestions, or None."""
    return execute(SELECT_LAST_IMPRESSION, {"cart": cart_id}).one_or_none()
