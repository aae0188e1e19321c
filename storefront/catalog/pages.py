"""The shelves and the product, for shoppers."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from flask import Blueprint, Response, current_app, request

from storefront.catalog.models import Card, Product, Wish, cards, categories, count, find_product
from storefront.htmx import show
from storefront.tenants.pages import current_tenant

pages = Blueprint("catalog", __name__)

PAGE = 24
RELATED = 4
CATEGORIES_FRESH_FOR = 5.0
"""Seconds for which the list of categories may be old; counting them takes longer than all else of a page."""


class Category(NamedTuple):
    name: str
    count: int


@dataclass(frozen=True)
class ListPage:
    products: Sequence[Card]
    q: str
    category: str
    categories: Sequence[Category]
    number: int
    has_next: bool
    total: int

    @property
    def has_previous(self) -> bool:
        return self.number > 1


@pages.get("/")
def index() -> Response:
    """A page of the products that were asked for, the best first."""
    wish = Wish(q=request.args.get("q", "")[:200].strip(), category=request.args.get("category", "")[:80])
    number = page_number(request.args.get("page", ""))
    found = cards(wish, PAGE + 1, (number - 1) * PAGE)
    shelf = known_categories()
    page = ListPage(
        products=found[:PAGE],
        q=wish.q,
        category=wish.category,
        categories=shelf,
        number=number,
        has_next=len(found) > PAGE,
        total=total(wish, number, len(found)),
    )
    return show("catalog/list.html", page=page)


def page_number(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) <= 6 else 1


def total(wish: Wish, number: int, found: int) -> int:
    """How many products there are for the wish; counted only when that isn't known already."""
    return found if number == 1 and found <= PAGE else count(wish)


def known_categories() -> Sequence[Category]:
    known: dict[str, tuple[float, Sequence[Category]]] = current_app.extensions.setdefault("storefront_categories", {})
    tenant_id = current_tenant().id
    counted_at, shelf = known.get(tenant_id, (0.0, ()))
    if time.monotonic() - counted_at > CATEGORIES_FRESH_FOR:
        shelf = [Category(*row) for row in categories()]
        known[tenant_id] = (time.monotonic(), shelf)
    return shelf


@pages.get("/products/<product_id>")
def product(product_id: str) -> Response:
    found = find_product(product_id)
    return show("catalog/product.html", product=found, related=related(found))


def related(product: Product) -> list[Card]:
    """Others of its category."""
    if not product.category:
        return []
    shelf = cards(Wish(category=product.category, in_stock=True), RELATED + 1)
    return [card for card in shelf if card.id != product.id][:RELATED]
