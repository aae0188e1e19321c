"""What happens in a shop, as it happens, for every page that is open: server-sent events."""

import socket
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

from flask import Blueprint, Flask, Response, current_app, request

from storefront.catalog.models import LOW_STOCK_THRESHOLD
from storefront.client_address import client_key
from storefront.clock import now
from storefront.events.models import last_event_before, last_event_id
from storefront.events.rules import HEARTBEAT, MOST_MISSED, OLDEST, number, opening_at, reset
from storefront.events.streams import BEAT, Stream
from storefront.events.tail import INTERVAL, Tail, messages_after
from storefront.rate_limits import STREAMS_LIMIT, limiter
from storefront.tenants.context import current_tenant

pages = Blueprint("events", __name__)

ASK_AGAIN_AFTER = 20
"""Seconds after which who found no room may try again."""


def init_app(app: Flask) -> None:
    app.extensions["storefront_tail"] = Tail(app)
    app.jinja_env.globals["low_stock"] = LOW_STOCK_THRESHOLD


def tail_of(app: Flask) -> Tail:
    found: Tail = app.extensions["storefront_tail"]
    return found


@pages.get("/events")
@limiter.limit(STREAMS_LIMIT)
def stream() -> Response:
    """Changes of stock and price from now on, from the last one that the client has seen, or from those on that its
    page, which is so many seconds old (`age`), can't show."""
    if not tail_of(this_app()).streams.has_room(client_key()):
        return Response("No room for one more stream: ask for the page itself now and then.", 503, retry_later())
    latest = last_event_id()
    seen = min(first_seen(latest), latest)
    opening = opening_at(seen)
    if latest - seen > MOST_MISSED:
        opening, seen = opening_at(latest) + reset(latest), latest
    body = Opened(this_app(), opening, seen) if can_be_taken_over() else from_here(this_app(), opening, seen)
    response = Response(body, mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # nginx would keep messages until it has a page of them
    return response


def retry_later() -> dict[str, str]:
    return {"Retry-After": str(ASK_AGAIN_AFTER), "Content-Type": "text/plain; charset=utf-8"}


def first_seen(latest: int) -> int:
    """The id of the last event that this client knows of."""
    for sent in (request.headers.get("Last-Event-ID"), request.args.get("last")):
        if (seen := number(sent)) is not None:
            return seen
    age = number(request.args.get("age"))
    return latest if age is None else last_event_before(now() - timedelta(seconds=min(age, OLDEST)))


def this_app() -> Flask:
    found: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    return found


def can_be_taken_over() -> bool:
    """Whether the server hands over the bare connection, as `storefront.server.gunicorn` does."""
    return "storefront.take_over" in request.environ


class Opened:
    """The body of an answer: the server writes its head and its first piece, and leaves the connection to the thread of
    all streams."""

    def __init__(self, app: Flask, opening: bytes, seen: int) -> None:
        self.tail, self.opening, self.seen = tail_of(app), opening, seen
        self.take_over: Callable[[Callable[[socket.socket, bytes], None]], None]
        self.take_over = request.environ["storefront.take_over"]
        self.chunked = request.environ["SERVER_PROTOCOL"] == "HTTP/1.1"
        self.tenant_id, self.address = current_tenant().id, client_key()

    def __iter__(self) -> Iterator[bytes]:
        yield self.opening
        self.take_over(self.follow)

    def follow(self, connection: socket.socket, unsent: bytes) -> None:
        stream = Stream(connection, self.tenant_id, self.address, self.seen, self.chunked)
        stream.waiting += unsent
        self.tail.follow(stream)


def from_here(app: Flask, opening: bytes, seen: int) -> Iterator[bytes]:
    """The body for any other server; each such stream holds one of its threads."""
    tenant = current_tenant()
    return spoken(app, tenant.id, tenant.currency, opening, seen)


def spoken(app: Flask, tenant_id: str, currency: str, opening: bytes, seen: int) -> Iterator[bytes]:
    yield opening
    beat_at = time.monotonic() + BEAT
    for messages in messages_after(app, tenant_id, seen, currency):
        if messages or time.monotonic() >= beat_at:
            beat_at = time.monotonic() + BEAT
            yield b"".join(messages) or HEARTBEAT
        time.sleep(INTERVAL)
