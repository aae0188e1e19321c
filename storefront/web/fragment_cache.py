"""The fragment cache (page cache): pages, partials and lists that are identical for all clients, rendered once per
value.

The key is the displayed value itself (shop, languages, products with prices and stock, the number in the cart's badge),
so an entry is never stale: a changed value is another key.
"""

from collections.abc import Callable, Hashable
from threading import Lock

from cachetools import LRUCache
from flask import Flask, g, request, session

from storefront.i18n.locale import shopper_languages
from storefront.state import current_state, state_of
from storefront.web.compression import share

MAX_FRAGMENTS = 100
"""Per process. A page of 24 products is 25 KB, and every sale makes a new entry."""


class FragmentCache:
    """A least-recently-used cache of rendered bytes. One instance per app; thread-safe."""

    def __init__(self) -> None:
        self.page_key_parts: list[Callable[[], Hashable]] = []
        """What packages add to the key of each page, because their part of the page's frame depends on it."""
        self._entries: LRUCache[Hashable, bytes] = LRUCache(MAX_FRAGMENTS)
        self._lock = Lock()

    def cached(self, key: Hashable, render: Callable[[], str]) -> bytes:
        """Return the cached bytes for `key`, or render and cache them; per shop, its version, URL form and
        languages."""
        full_key = (request.script_root, g.tenant.id, g.tenant.version, shopper_languages(), key)
        with self._lock:
            content = self._entries.get(full_key)
        if content is None:
            content = render().encode()
            with self._lock:
                self._entries[full_key] = content
        return content


def cached(key: Hashable, render: Callable[[], str]) -> bytes:
    """Return content that is identical for all clients, from the cache if possible."""
    share()
    return current_state().fragments.cached(key, render)


def cached_page(key: Hashable, render: Callable[[], str]) -> bytes:
    """Like `cached`, but bypass the cache for a shopper with a flashed message, which the page would include."""
    if "_flashes" in session:
        return render().encode()
    return cached((key, *(part() for part in current_state().fragments.page_key_parts)), render)


def vary_pages_by(app: Flask, part: Callable[[], Hashable]) -> None:
    """Have every page's key contain what `part` returns in the page's request."""
    state_of(app).fragments.page_key_parts.append(part)


def share_page() -> None:
    """Mark a page without personal data as identical for all clients, unless it includes a flashed message."""
    if "_flashes" not in session:
        share()
