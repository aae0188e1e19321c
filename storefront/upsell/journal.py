"""Writing down what was shown to whom. A shopper's showings are written together a moment later, because each write
would take its turn between two orders; a program's at once, because its next request may come at once."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any

from flask import Flask, current_app

from storefront.database import acting_for, add_rows, current_tenant_id, is_id, release, run, write
from storefront.errors import Busy
from storefront.upsell.errands import Errands
from storefront.upsell.experiment.models import expose
from storefront.upsell.models import LAST, SHOWN, UpsellShowing

log = logging.getLogger("storefront.upsell")
WRITTEN_AFTER = 0.4
"""Seconds after a showing in which the ones that follow it are written together with it."""
LOOKS, LOOK_EVERY = 8, 0.1
"""How often a showing is looked for that a process may be about to write, and the seconds between two looks."""


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
            self._waiting.setdefault(tenant_id, []).append(entry)

    def waiting(self, tenant_id: str) -> list[Entry]:
        with self._lock:
            return list(self._waiting.get(tenant_id, ()))

    def tenants(self) -> list[str]:
        with self._lock:
            return list(self._waiting)

    def forget(self, tenant_id: str, many: int) -> None:
        """Take away so many, the oldest first."""
        with self._lock:
            if left := self._waiting.pop(tenant_id, [])[many:]:
                self._waiting[tenant_id] = left


def journal_of(app: Flask) -> Journal:
    found: Journal = app.extensions["storefront_journal"]
    return found


def enter(entry: Entry, later: bool) -> None:
    """Write the entry down: now, or `later` if this process runs errands."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    errands: Errands = app.extensions["storefront_errands"]
    if later and errands.are_running:
        tenant_id = current_tenant_id()
        journal_of(app).keep(tenant_id, entry)
        errands.after(WRITTEN_AFTER, ("shown", tenant_id), partial(write_waiting, app, tenant_id), postpone=False)
    else:
        write_down([entry])


def write_down(entries: Sequence[Entry]) -> None:
    """All of them in one transaction. Exposures go in the order of their key, so that two processes that write the same
    carts wait for each other and not in a ring."""
    with write():
        expose(sorted((entry.exposure for entry in entries), key=lambda row: row["cart_id"]))
        add_rows(UpsellShowing, [entry.showing for entry in entries])


def write_waiting(app: Flask, tenant_id: str) -> None:
    """Write down what waits. When the database is too busy, it goes on waiting for the next showing."""
    entries = journal_of(app).waiting(tenant_id)
    if not entries:
        return
    try:
        with app.app_context(), acting_for(tenant_id):
            write_down(entries)
    except Busy:
        log.warning("%d showings of suggestions wait, because the database is busy", len(entries))
        return
    except Exception:
        log.exception("%d showings of suggestions are lost", len(entries))
    journal_of(app).forget(tenant_id, len(entries))


def write_all(app: Flask) -> None:
    for tenant_id in journal_of(app).tenants():
        write_waiting(app, tenant_id)


def was_suggested(showing_id: str | None, cart_id: str, product_id: str) -> bool:
    """Whether this product was suggested to this cart in that showing. One that isn't there yet is waited for, at most
    `LOOKS * LOOK_EVERY` seconds: nobody presses that soon, but a script may."""
    if not showing_id or not is_id(showing_id) or not is_id(cart_id):
        return False
    for look in range(LOOKS):
        if look:
            release()
            time.sleep(LOOK_EVERY)
        shown = run(SHOWN, {"showing": showing_id, "cart": cart_id}).scalar()
        if shown is not None:
            return any(suggestion["product_id"] == product_id for suggestion in shown)
    return False


def last_showing(cart_id: str) -> Any:
    """The latest showing for this cart: its id, source and suggestions, or None."""
    return run(LAST, {"cart": cart_id}).one_or_none()
