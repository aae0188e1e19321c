"""GET /events: the stream of Server-Sent Events (SSE) by which open pages learn of changes of stock and price."""

import socket
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

from flask import Blueprint, Flask, Response, request

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
from storefront.state import state_of, this_app
from storefront.tenants.context import current_tenant
from storefront.timings import timings_of
from storefront.web.client_address import client_key
from storefront.web.rate_limits import STREAMS_LIMIT, limiter

pages = Blueprint("events", __name__)

RETRY_AFTER_SECONDS = 20
"""`Retry-After` of a stream refused for lack of capacity."""


def event_tailer(app: Flask) -> EventTailer:
    return state_of(app).event_tailer


@pages.get("/events")
@limiter.limit(STREAMS_LIMIT)
def stream() -> Response:
    """Stream changes of stock and price: from the last event that the client has seen (`Last-Event-ID` or `last`), or
    from `age` seconds ago, when its page was rendered, or from now on."""
    if not event_tailer(this_app()).broadcaster.has_capacity(client_key()):
        return Response("Too many open streams. Poll the page instead.", 503, retry_later())
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
    response.headers["X-Accel-Buffering"] = "no"  # nginx would buffer messages
    return response


def retry_later() -> dict[str, str]:
    return {"Retry-After": str(RETRY_AFTER_SECONDS), "Content-Type": "text/plain; charset=utf-8"}


def last_seen_event_id(latest: int) -> int:
    """Return the id of the last event that the client has seen."""
    for sent in (request.headers.get("Last-Event-ID"), request.args.get("last")):
        if (seen := parse_event_id(sent)) is not None:
            return seen
    age = parse_event_id(request.args.get("age"))
    return latest if age is None else last_event_before(now() - timedelta(seconds=min(age, MAX_PAGE_AGE_SECONDS)))


def supports_socket_handover() -> bool:
    """Whether the server can hand over the socket, as `storefront.server.gunicorn` does."""
    return "storefront.take_over" in request.environ


class SocketHandoverBody:
    """A response body after whose first part the server hands the socket over to the broadcaster's thread."""

    def __init__(self, app: Flask, opening: bytes, seen: int) -> None:
        self.tailer, self.opening, self.seen = event_tailer(app), opening, seen
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
        self.tailer.subscribe(stream)


def stream_in_worker_thread(app: Flask, opening: bytes, seen: int) -> Iterator[bytes]:
    """Return the body for any other server; each such stream occupies one of its threads."""
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
