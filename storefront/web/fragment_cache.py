"""The fragment cache (page cache): pages, partials and lists that are identical for all clients, rendered once per
value.

The key is the displayed value itself (shop, languages, products with prices and stock, the number in the cart's badge),
so an entry is never stale: a changed value is another key.
"""

from collections.abc import Callable, Hashable
from threading import Lock

from cachetools import LRUCache
from flask import Flask, current_app, g, request, session

from storefront.i18n.locale import shopper_languages
from storefront.web.compression import share

MAX_FRAGMENTS = 100
"""Per process. A page of 24 products is 25 KB, and every sale makes a new entry."""


class FragmentCache:
    """A least-recently-used cache of rendered bytes. One instance per app; thread-safe."""

    def __init__(self) -> None:
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
    fragments: FragmentCache = current_app.extensions["storefront_fragments"]
    return fragments.cached(key, render)


def cached_page(key: Hashable, render: Callable[[], str]) -> bytes:
    """Like `cached`, but bypass the cache for a shopper with a flashed message, which the page would include."""
    return render().encode() if "_flashes" in session else cached(key, render)


def share_page() -> None:
    """Mark a page without personal data as identical for all clients, unless it includes a flashed message."""
    if "_flashes" not in session:
        share()


def init_app(app: Flask) -> None:
    app.extensions["storefront_fragments"] = FragmentCache()
