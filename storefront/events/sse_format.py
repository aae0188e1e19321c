"""The words of a live stream: what of a shop's events is told to everybody, and how (server-sent events)."""

import json
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

RECONNECT_MILLISECONDS = 2000
"""Milliseconds after which a browser that lost its stream asks for it again."""
MAX_REPLAYED_EVENTS = 1000
"""Events that are told one by one to who comes back; whoever missed more is told to look at the page anew."""
MAX_STREAMS = 2000
"""Open streams a process."""
MAX_STREAMS_PER_ADDRESS = 50
"""Open streams a process and public address, or IPv6 /64. Private ones are as good as never a shopper's, but a
proxy's."""
MAX_PAGE_AGE_SECONDS = 120
"""Seconds that a page which opens its first stream may have been rendered before."""
HEARTBEAT = b":\n\n"
LAST_CHUNK = b"0\r\n\r\n"


def opening_message(id: int) -> bytes:
    """How a stream begins: a browser that loses it at once comes back with this id."""
    return f"retry: {RECONNECT_MILLISECONDS}\n: here is what changes\nid: {id}\n\n".encode()


def stock_message(id: int, product_id: str, stock: int) -> bytes:
    return format_sse(id, "stock", {"product_id": product_id, "stock": stock})


def price_message(id: int, product_id: str, amount: int, currency: str) -> bytes:
    """`amount` is in minor units, as everywhere."""
    return format_sse(id, "price", {"product_id": product_id, "price": {"amount": amount, "currency": currency}})


def reset_message(id: int) -> bytes:
    """The message that says that too much has happened to tell it."""
    return format_sse(id, "reset", {})


def format_sse(id: int, name: str, data: Mapping[str, Any]) -> bytes:
    return f"id: {id}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode()


def encode_chunk(data: bytes) -> bytes:
    """A piece of a body in HTTP/1.1's chunked transfer encoding."""
    return b"%X\r\n%s\r\n" % (len(data), data)


def parse_event_id(text: str | None) -> int | None:
    """A number that a client sent, None for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 18 else None


def is_public_address(address: str) -> bool:
    """Whether an address is probably one shopper's, or one household's, and not that of a proxy before the shop."""
    try:
        return ip_address(address).is_global
    except ValueError:
        return False
