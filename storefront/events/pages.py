"""What happens in a shop, as it happens, for every page that is open: server-sent events."""

import socket
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

from flask import Blueprint, Flask, Response, current_app, request

from storefront.catalog.models import LOW_STOCK_THRESHOLD
from storefront.clock import now
from storefront.events.broadcaster import Stream
from storefront.events.queries import last_event_before, last_event_id
from storefront.events.sse_format import (
    HEARTBEAT,
    MAX_PAGE_AGE_SECONDS,
    MAX_REPLAYED_EVENTS,
    opening_message,
    parse_event_id,
    reset_message,
)
from storefront.events.tailer import EventTailer, messages_after
from storefront.tenants.context import current_tenant
from storefront.timings import timings_of
from storefront.web.client_address import client_key
from storefront.web.rate_limits import STREAMS_LIMIT, limiter

pages = Blueprint("events", __name__)

RETRY_AFTER_SECONDS = 20
"""Seconds after which who found no room may try again."""


def init_app(app: Flask) -> None:
    app.extensions["storefront_tail"] = EventTailer(app)
    app.jinja_env.globals["low_stock"] = LOW_STOCK_THRESHOLD


def event_tailer(app: Flask) -> EventTailer:
    found: EventTailer = app.extensions["storefront_tail"]
    return found


@pages.get("/events")
@limiter.limit(STREAMS_LIMIT)
def stream() -> Response:
    """Changes of stock and price from now on, from the last one that the client has seen, or from those on that its
    page, which is so many seconds old (`age`), can't show."""
    if not event_tailer(this_app()).broadcaster.has_capacity(client_key()):
        return Response("No room for one more stream: ask for the page itself now and then.", 503, retry_later())
    latest = last_event_id()
    seen = min(last_seen_event_id(latest), latest)
    opening = opening_message(seen)
    if latest - seen > MAX_REPLAYED_EVENTS:
        opening, seen = opening_message(latest) + reset_message(latest), latest
    body = (
        SocketHandoverBody(this_app(), opening, seen)
        if supports_socket_handover()
        else stream_in_worker_thread(this_app(), opening, seen)
    )
    response = Response(body, mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # nginx would keep messages until it has a page of them
    return response


def retry_later() -> dict[str, str]:
    return {"Retry-After": str(RETRY_AFTER_SECONDS), "Content-Type": "text/plain; charset=utf-8"}


def last_seen_event_id(latest: int) -> int:
    """The id of the last event that this client knows of."""
    for sent in (request.headers.get("Last-Event-ID"), request.args.get("last")):
        if (seen := parse_event_id(sent)) is not None:
            return seen
    age = parse_event_id(request.args.get("age"))
    return latest if age is None else last_event_before(now() - timedelta(seconds=min(age, MAX_PAGE_AGE_SECONDS)))


def this_app() -> Flask:
    found: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return found


def supports_socket_handover() -> bool:
    """Whether the server hands over the bare connection, as `storefront.server.gunicorn` does."""
    return "storefront.take_over" in request.environ


class SocketHandoverBody:
    """The body of an answer: the server writes its head and its first piece, and leaves the connection to the thread of
    all streams."""

    def __init__(self, app: Flask, opening: bytes, seen: int) -> None:
        self.tail, self.opening, self.seen = event_tailer(app), opening, seen
        self.take_over: Callable[[Callable[[socket.socket, bytes], None]], None]
        self.take_over = request.environ["storefront.take_over"]
        self.chunked = request.environ["SERVER_PROTOCOL"] == "HTTP/1.1"
        self.tenant_id, self.address = current_tenant().id, client_key()

    def __iter__(self) -> Iterator[bytes]:
        yield self.opening
        self.take_over(self.follow)

    def follow(self, connection: socket.socket, unsent: bytes) -> None:
        stream = Stream(connection, self.tenant_id, self.address, self.seen, self.chunked)
        stream.pending += unsent
        self.tail.subscribe(stream)


def stream_in_worker_thread(app: Flask, opening: bytes, seen: int) -> Iterator[bytes]:
    """The body for any other server; each such stream holds one of its threads."""
    tenant = current_tenant()
    return _stream_messages(app, tenant.id, tenant.currency, opening, seen)


def _stream_messages(app: Flask, tenant_id: str, currency: str, opening: bytes, seen: int) -> Iterator[bytes]:
    yield opening
    waits = timings_of(app)
    beat_at = time.monotonic() + waits.stream_heartbeat
    for messages in messages_after(app, tenant_id, seen, currency):
        if messages or time.monotonic() >= beat_at:
            beat_at = time.monotonic() + waits.stream_heartbeat
            yield b"".join(messages) or HEARTBEAT
        time.sleep(waits.event_poll)
