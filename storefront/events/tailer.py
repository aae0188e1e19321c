"""The tail: one thread a process that reads what happened in the shops with open streams, and tells these."""

import logging
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from storefront.db.tenant_context import tenant_context
from storefront.events.broadcaster import EventBatch, SseBroadcaster, Stream
from storefront.events.models import PRICE_CHANGED, STOCK_CHANGED
from storefront.events.queries import events_after
from storefront.events.sse_format import MAX_REPLAYED_EVENTS, price_message, stock_message
from storefront.tenants.registry import registry
from storefront.timings import timings_of

PUBLIC_EVENT_TYPES = (STOCK_CHANGED, PRICE_CHANGED)
"""The kinds that concern everybody; orders, and who placed them, concern nobody else."""
log = logging.getLogger("storefront.events")


class EventTailer:
    """Begins with the first stream, and so in the process that serves it. `streams` are those of this process."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self._poll_seconds = timings_of(app).event_poll
        self.broadcaster = SseBroadcaster(timings_of(app).stream_heartbeat)
        self._lock = threading.Lock()
        self._read_to: dict[str, int] = {}
        self._thread: threading.Thread | None = None
        self._wanted, self._stopped = threading.Event(), threading.Event()
        self._error_logged = False

    def subscribe(self, stream: Stream) -> None:
        """Tell this stream all that happened after what it has seen: the shop's tail goes back so far."""
        self.broadcaster.add(stream)
        with self._lock:
            self._read_to[stream.tenant_id] = min(
                self._read_to.get(stream.tenant_id, stream.last_event_id), stream.last_event_id
            )
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="tail", daemon=True)
                self._thread.start()
        self._wanted.set()

    def stop(self) -> None:
        self._stopped.set()
        self._wanted.set()
        if self._thread is not None:
            self._thread.join(2)
        self.broadcaster.stop()

    def _run(self) -> None:
        while self._wanted.wait() and not self._stopped.wait(self._poll_seconds):
            try:
                self.poll()
                self._error_logged = False
            except SQLAlchemyError as fault:
                if not self._error_logged:
                    log.warning("live streams wait for the database: %s", fault)
                self._error_logged = True
            except Exception:
                log.exception("live streams missed a look")

    def poll(self) -> None:
        """Read on in each shop that has streams."""
        shops = self.tenants_to_read()
        if not shops:
            return
        with self.app.app_context():
            for tenant_id, read_to in shops.items():
                tenant = registry().find(tenant_id)
                with tenant_context(tenant_id):
                    rows = events_after(read_to, PUBLIC_EVENT_TYPES, MAX_REPLAYED_EVENTS)
                if rows and tenant:
                    told = [sse_message(row, tenant.currency) for row in rows]
                    self.broadcaster.publish(EventBatch(tenant_id, read_to, [row.id for row in rows], told))
                    self._advance(tenant_id, read_to, rows[-1].id)

    def tenants_to_read(self) -> dict[str, int]:
        """The tenants that have streams, and up to which event each has been read. Rests when there are none."""
        with self._lock:
            there = self.broadcaster.tenants_with_streams()
            self._read_to = {tenant_id: id for tenant_id, id in self._read_to.items() if tenant_id in there}
            if not there:
                self._wanted.clear()
            return dict(self._read_to)

    def _advance(self, tenant_id: str, read_to: int, to: int) -> None:
        """Unless a stream that has seen less came meanwhile."""
        with self._lock:
            if self._read_to.get(tenant_id) == read_to:
                self._read_to[tenant_id] = to


def sse_message(event: Any, currency: str) -> bytes:
    if event.kind == STOCK_CHANGED:
        return stock_message(event.id, event.subject, event.data["stock"])
    return price_message(event.id, event.subject, event.data["price"], currency)


def messages_after(app: Flask, tenant_id: str, seen: int, currency: str) -> Iterator[Sequence[bytes]]:
    """Read on in one shop, for a server whose connections can't be taken over: an empty lot when nothing happened."""
    while True:
        with app.app_context(), tenant_context(tenant_id):
            rows = events_after(seen, PUBLIC_EVENT_TYPES, MAX_REPLAYED_EVENTS)
        if rows:
            seen = rows[-1].id
        yield [sse_message(row, currency) for row in rows]
