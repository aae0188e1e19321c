"""The wire format of Server-Sent Events (SSE): messages about stock and price, heartbeat, reset, and limits."""

import json
from collections.abc import Mapping
from hashlib import sha256
from ipaddress import ip_address
from typing import Any

RECONNECT_MILLISECONDS = 2000
"""The browser's delay before reconnecting."""
MAX_REPLAYED_EVENTS = 1000
"""Events sent individually after a reconnect; a client that missed more gets a reset message."""
MAX_STREAMS = 2000
"""Open streams per process."""
MAX_STREAMS_PER_ADDRESS = 50
"""Open streams per process and public IPv4 address or IPv6 /64. Private addresses are usually a proxy's."""
MAX_PAGE_AGE_SECONDS = 120
"""Maximum age of a page that opens its first stream."""
HEARTBEAT = b":\n\n"
LAST_CHUNK = b"0\r\n\r\n"


def opening_message(id: int) -> bytes:
    """Return the beginning of a stream, with the id for an immediate reconnect."""
    return f"retry: {RECONNECT_MILLISECONDS}\n: connected\nid: {id}\n\n".encode()


def stock_message(id: int, product_id: str, variant_id: str, stock: int) -> bytes:
    return format_sse(id, "stock", {"product_id": product_id, "variant_id": variant_id, "stock": stock})


def price_message(id: int, product_id: str, variant_id: str, amount: int, currency: str) -> bytes:
    """Return the message about a new price; `amount` is in minor units."""
    price = {"amount": amount, "currency": currency}
    return format_sse(id, "price", {"product_id": product_id, "variant_id": variant_id, "price": price})


def product_message(id: int, product_id: str) -> bytes:
    """Return the message about another name, text or picture."""
    return format_sse(id, "product", {"product_id": product_id})


def order_message(id: int, order_id: str) -> bytes:
    """Return the message about another state of an order. All pages of the shop get it, so it doesn't name the order:
    its id would show it."""
    return format_sse(id, "order", {"order": order_digest(order_id)})


def order_digest(order_id: str) -> str:
    """Return what an order is called in public. Ids are random and long, so they can't be found by trying."""
    return sha256(f"order {order_id}".encode()).hexdigest()[:32]


def reset_message(id: int) -> bytes:
    """Return the message after which the page must be reloaded, because too many events were missed."""
    return format_sse(id, "reset", {})


def format_sse(id: int, name: str, data: Mapping[str, Any]) -> bytes:
    return f"id: {id}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()


def encode_chunk(data: bytes) -> bytes:
    """Encode a part of a body in HTTP/1.1's chunked transfer coding."""
    return b"%X\r\n%s\r\n" % (len(data), data)


def parse_event_id(text: str | None) -> int | None:
    """Parse a client's event id; None if it is no number."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 18 else None


def is_public_address(address: str) -> bool:
    """Whether the address is public, so probably a shopper's and not a proxy's."""
    try:
        return ip_address(address).is_global
    except ValueError:
        return False
