"""The event tailer: one thread of a process polls the event table for tenants with open streams and publishes new
events."""

import logging
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from storefront.db.tenant_context import tenant_context
from storefront.events.broadcaster import EventBatch, SseBroadcaster, Stream
from storefront.events.models import HIDDEN, EventType
from storefront.events.queries import events_after
from storefront.events.sse_format import (
    MAX_REPLAYED_EVENTS,
    order_message,
    price_message,
    product_message,
    stock_message,
)
from storefront.tenants.registry import registry
from storefront.timings import Timings

ORDER_EVENT_TYPES = (EventType.ORDER_PAID, EventType.PAYMENT_FAILED, EventType.PAYMENT_EXPIRED)
PUBLIC_EVENT_TYPES = (EventType.STOCK_CHANGED, EventType.PRICE_CHANGED, EventType.PRODUCT_CHANGED, *ORDER_EVENT_TYPES)
"""Types that are sent to all clients, but for products that aren't on sale. Of an order's payment they only learn that
there is news for whoever has its page open; other events of orders are private."""
log = logging.getLogger("storefront.events")


class EventTailer:
    """Starts its thread with the first stream, in the process that serves it. One instance per app."""

    def __init__(self, app: Flask, timings: Timings) -> None:
        self.app = app
        self._poll_seconds = timings.event_poll
        self.broadcaster = SseBroadcaster(timings.stream_heartbeat)
        self._lock = threading.Lock()
        self._read_to: dict[str, int] = {}
        self._thread: threading.Thread | None = None
        self._wanted, self._stopped = threading.Event(), threading.Event()
        self._error_logged = False

    def subscribe(self, stream: Stream) -> None:
        """Register a stream; polling goes back to its `last_event_id` if necessary."""
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
                    log.warning("event streams are waiting for the database: %s", fault)
                self._error_logged = True
            except Exception:
                log.exception("event polling failed")

    def poll(self) -> None:
        """Read and publish the new events of each tenant with streams."""
        shops = self.tenants_to_read()
        if not shops:
            return
        with self.app.app_context():
            for tenant_id, read_to in shops.items():
                tenant = registry().find(tenant_id)
                with tenant_context(tenant_id):
                    rows = events_after(read_to, PUBLIC_EVENT_TYPES, MAX_REPLAYED_EVENTS)
                if rows and tenant:
                    messages = [sse_message(row, tenant.currency) for row in rows]
                    self.broadcaster.publish(EventBatch(tenant_id, read_to, [row.id for row in rows], messages))
                    self._advance(tenant_id, read_to, rows[-1].id)

    def tenants_to_read(self) -> dict[str, int]:
        """Return the tenants with streams and the last event read of each. Polling pauses when there are none."""
        with self._lock:
            active = self.broadcaster.tenants_with_streams()
            self._read_to = {tenant_id: id for tenant_id, id in self._read_to.items() if tenant_id in active}
            if not active:
                self._wanted.clear()
            return dict(self._read_to)

    def _advance(self, tenant_id: str, read_to: int, to: int) -> None:
        """Set the last event read, unless a stream that needs earlier events was registered meanwhile."""
        with self._lock:
            if self._read_to.get(tenant_id) == read_to:
                self._read_to[tenant_id] = to


def sse_message(event: Any, currency: str) -> bytes:
    """Return the message about an event; empty for a product that isn't on sale.

    An event that names no variant is about a product without options, whose only variant has its id."""
    if event.data.get(HIDDEN):
        return b""
    if event.type in ORDER_EVENT_TYPES:
        return order_message(event.id, event.subject)
    variant_id = event.data.get("variant_id", event.subject)
    if event.type == EventType.PRODUCT_CHANGED:
        return product_message(event.id, event.subject)
    if event.type == EventType.STOCK_CHANGED:
        return stock_message(event.id, event.subject, variant_id, event.data["stock"])
    return price_message(event.id, event.subject, variant_id, event.data["price"], currency)


def messages_after(app: Flask, tenant_id: str, seen: int, currency: str) -> Iterator[Sequence[bytes]]:
    """Yield the new messages of one tenant, possibly none, for servers whose sockets can't be taken over."""
    while True:
        with app.app_context(), tenant_context(tenant_id):
            rows = events_after(seen, PUBLIC_EVENT_TYPES, MAX_REPLAYED_EVENTS)
        if rows:
            seen = rows[-1].id
        yield [message for row in rows if (message := sse_message(row, currency))]
