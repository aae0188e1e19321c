"""Pages, regions and lists that look the same for everybody, rendered once for each value that they show.

The key is the value itself (the shop, the languages, the products with their prices and stock, the number in the cart's
badge), so what is remembered is never out of date: what has changed is another value.
"""

from collections.abc import Callable, Hashable
from threading import Lock

from cachetools import LRUCache
from flask import Flask, g, request, session

from storefront.i18n.locale import shopper_languages
from storefront.state import current_state, state_of
from storefront.web.compression import share

MAX_FRAGMENTS = 100
"""Pieces kept a process, in bytes as they are sent; a page of 24 products is 25 KB, and every sale makes another one
of it."""


class FragmentCache:
    """The least recently used go first. One instance an app; safe to share between threads."""

    def __init__(self) -> None:
        self.page_key_parts: list[Callable[[], Hashable]] = []
        """What packages add to the key of each page, because their part of the page's frame depends on it."""
        self._kept: LRUCache[Hashable, bytes] = LRUCache(MAX_FRAGMENTS)
        self._lock = Lock()

    def cached(self, key: Hashable, render: Callable[[], str]) -> bytes:
        """What was rendered for this value in the current shop under its current address, or is rendered now."""
        whole = (request.script_root, g.tenant.id, g.tenant.version, shopper_languages(), key)
        with self._lock:
            piece = self._kept.get(whole)
        if piece is None:
            piece = render().encode()
            with self._lock:
                self._kept[whole] = piece
        return piece


def cached(key: Hashable, render: Callable[[], str]) -> bytes:
    """What looks like this to everybody, for programs."""
    share()
    return current_state().fragments.cached(key, render)


def cached_page(key: Hashable, render: Callable[[], str]) -> bytes:
    """The same for shoppers; nothing is remembered for somebody to whom something is about to be said."""
    if "_flashes" in session:
        return render().encode()
    return cached((key, *(part() for part in current_state().fragments.page_key_parts)), render)


def vary_pages_by(app: Flask, part: Callable[[], Hashable]) -> None:
    """Have every page's key contain what `part` returns in the page's request."""
    state_of(app).fragments.page_key_parts.append(part)


def share_page() -> None:
    """Say of a page without personal data that it is the same for everybody, unless this one says something to one."""
    if "_flashes" not in session:
        share()
