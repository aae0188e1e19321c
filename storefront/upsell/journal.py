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
from storefront.upsell.errands import errands_of
from storefront.upsell.experiment.models import expose
from storefront.upsell.models import LAST, SHOWN, UpsellShowing
from storefront.upsell.turns import turn_to_think

log = logging.getLogger("storefront.upsell")
Suggestions = list[dict[str, str]]
WRITTEN_AFTER = 0.4
"""Seconds after a showing in which the ones that follow it are written together with it."""
AGAIN_AFTER = 1.0
"""Seconds after which it is tried again when the database can't be written to."""
MOST_WAITING = 5000
"""Showings of a shop that are kept while the database can't be written to; the oldest are given up first."""
LOOKS, LOOK_EVERY = 6, 0.1
"""How often a showing is looked for that another process may be about to write, and the seconds between two looks."""
waiting_for_others = BoundedSemaphore(2)
"""Threads of this process that may look so at once: an id that somebody made up must not hold them all."""


@dataclass(frozen=True)
class Entry:
    """A row of `UpsellShowing` and one of `UpsellExposure`, to be."""

    showing: Mapping[str, Any]
    exposure: Mapping[str, Any]


class Journal:
    """What this process has shown and not written yet, by tenant."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiting: dict[str, list[Entry]] = {}

    def keep(self, tenant_id: str, entry: Entry) -> None:
        with self._lock:
            waiting = self._waiting.setdefault(tenant_id, [])
            waiting.append(entry)
            del waiting[:-MOST_WAITING]

    def waiting(self, tenant_id: str) -> list[Entry]:
        with self._lock:
            return list(self._waiting.get(tenant_id, ()))

    def tenants(self) -> list[str]:
        with self._lock:
            return list(self._waiting)

    def forget(self, tenant_id: str, entries: Sequence[Entry]) -> None:
        written = {id(entry) for entry in entries}
        with self._lock:
            left = [entry for entry in self._waiting.pop(tenant_id, ()) if id(entry) not in written]
            if left:
                self._waiting[tenant_id] = left


def journal_of(app: Flask) -> Journal:
    found: Journal = app.extensions["storefront_journal"]
    return found


def enter(entry: Entry, later: bool) -> None:
    """Write the entry down: now, or `later` if this process runs errands."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    if later and errands_of(app).are_running:
        journal_of(app).keep(current_tenant_id(), entry)
        write_soon(app, current_tenant_id(), WRITTEN_AFTER)
    else:
        write_down([entry])


def write_soon(app: Flask, tenant_id: str, seconds: float) -> None:
    errands_of(app).after(seconds, ("shown", tenant_id), partial(write_waiting, app, tenant_id), postpone=False)


def write_down(entries: Sequence[Entry]) -> None:
    """All of them in one transaction. Exposures go in the order of their key, so that two processes that write the same
    carts wait for each other and not in a ring."""
    with write():
        expose(sorted((entry.exposure for entry in entries), key=lambda row: row["cart_id"]))
        insert_rows(UpsellShowing, [entry.showing for entry in entries])


def write_waiting(app: Flask, tenant_id: str) -> None:
    """Write down what waits. While the database can't be written to, it goes on waiting and is tried again."""
    entries = journal_of(app).waiting(tenant_id)
    if not entries:
        return
    try:
        with app.app_context(), tenant_context(tenant_id), turn_to_think():
            write_down(entries)
    except (DatabaseBusy, OperationalError):
        log.warning("%d showings of suggestions wait, because the database can't be written to", len(entries))
        write_soon(app, tenant_id, AGAIN_AFTER)
        return
    except Exception:
        log.exception("%d showings of suggestions are lost", len(entries))
    journal_of(app).forget(tenant_id, entries)


def write_all(app: Flask) -> None:
    for tenant_id in journal_of(app).tenants():
        write_waiting(app, tenant_id)


def was_suggested(showing_id: str | None, cart_id: str, product_id: str) -> bool:
    """Whether this product was suggested to this cart in that showing."""
    if not showing_id or not is_id(showing_id) or not is_id(cart_id):
        return False
    found = shown_here(showing_id, cart_id) or written(showing_id, cart_id)
    return any(suggestion["product_id"] == product_id for suggestion in found or ())


def was_just_suggested(showing_id: str | None, cart_id: str, product_id: str) -> bool:
    """The same where another process may have shown it a moment ago and not have written it yet: nobody presses that
    soon, but a script may."""
    if was_suggested(showing_id, cart_id, product_id):
        return True
    if not showing_id or not is_id(showing_id) or not waiting_for_others.acquire(blocking=False):
        return False
    try:
        for _look in range(LOOKS):
            if written(showing_id, cart_id) is not None:
                break
            release_reader()
            time.sleep(LOOK_EVERY)
        return was_suggested(showing_id, cart_id, product_id)
    finally:
        waiting_for_others.release()


def shown_here(showing_id: str, cart_id: str) -> Suggestions | None:
    """What that showing of this process suggested, while it waits to be written."""
    waiting = journal_of(current_app).waiting(current_tenant_id())
    showings = (entry.showing for entry in waiting)
    ours = (one["suggestions"] for one in showings if (one["id"], one["cart_id"]) == (showing_id, cart_id))
    return next(ours, None)


def written(showing_id: str, cart_id: str) -> Suggestions | None:
    found: Suggestions | None = execute(SHOWN, {"showing": showing_id, "cart": cart_id}).scalar()
    return found


def last_showing(cart_id: str) -> Any:
    """The latest showing for this cart: its id, source and suggestions, or None."""
    return execute(LAST, {"cart": cart_id}).one_or_none()
