"""Pieces of pages that look the same for everybody, rendered once for each value that they show.

The key is the value itself (the shop, the products with their prices and stock), so a piece is never out of date: what
has changed is another value. In a template: `{% call remembered("shelf", page) %}…{% endcall %}`.
"""

from collections.abc import Callable, Hashable
from threading import Lock

from cachetools import LRUCache
from flask import Flask, g, request
from markupsafe import Markup

MOST = 1000
"""Pieces kept a process; a page of 24 products is 20 KB."""


class Fragments:
    """The least recently used go first. Safe to share between threads."""

    def __init__(self) -> None:
        self._kept: LRUCache[Hashable, Markup] = LRUCache(MOST)
        self._lock = Lock()

    def remembered(self, *key: Hashable, caller: Callable[[], Markup]) -> Markup:
        """The piece for this value in the current shop and under its current address, rendered now if need be."""
        whole = (request.script_root, g.tenant, *key)
        with self._lock:
            piece = self._kept.get(whole)
        if piece is None:
            piece = caller()
            with self._lock:
                self._kept[whole] = piece
        return piece


def init_app(app: Flask) -> None:
    app.jinja_env.globals["remembered"] = Fragments().remembered
