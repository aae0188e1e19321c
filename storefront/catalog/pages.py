"""The shelves and the product, for shoppers."""

import time
from dataclasses import dataclass

from flask import Blueprint, Response, current_app, request

from storefront.cart.pages import cart_count
from storefront.catalog.models import Card, Listed, Wish, cards, categories, count, read_product
from storefront.fragments import fragments
from storefront.htmx import answer, asked_region, render, show
from storefront.tenants.pages import current_tenant

pages = Blueprint("catalog", __name__)

PAGE = 24
RELATED = 4
SHELF_FRESH_FOR = 5.0
"""Seconds for which the categories and their counts may be old; counting takes longer than all else of a page."""


@dataclass(frozen=True)
class Category:
    name: str
    count: int


@dataclass(frozen=True)
class Shelf:
    """What the shop sells, by category."""

    categories: tuple[Category, ...]
    total: int


@dataclass(frozen=True)
class ListPage:
    products: tuple[Card, ...]
    q: str
    category: str
    categories: tuple[Category, ...]
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
    shelf = known_shelf()
    page = ListPage(
        products=tuple(found[:PAGE]),
        q=wish.q,
        category=wish.category,
        categories=shelf.categories,
        number=number,
        has_next=len(found) > PAGE,
        total=total(wish, number, len(found), shelf),
    )
    seen = (page, cart_count(), asked_region())
    return answer(fragments().remembered(seen, lambda: render("catalog/list.html", page=page)))


def page_number(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) <= 6 else 1


def total(wish: Wish, number: int, found: int, shelf: Shelf) -> int:
    """How many products there are for the wish; counted only when that isn't known already."""
    if number == 1 and found <= PAGE:
        return found
    return count(wish) if wish != Wish() else shelf.total


def known_shelf() -> Shelf:
    known: dict[str, tuple[float, Shelf]] = current_app.extensions.setdefault("storefront_shelves", {})
    tenant_id = current_tenant().id
    counted_at, shelf = known.get(tenant_id, (0.0, None))
    if shelf is None or time.monotonic() - counted_at > SHELF_FRESH_FOR:
        shelf = Shelf(tuple(Category(*row) for row in categories()), count(Wish()))
        known[tenant_id] = (time.monotonic(), shelf)
    return shelf


@pages.get("/products/<product_id>")
def product(product_id: str) -> Response:
    found = read_product(product_id)
    return show("catalog/product.html", product=found, related=related(found))


def related(product: Listed) -> list[Card]:
    """Others of its category."""
    if not product.category:
        return []
    shelf = cards(Wish(category=product.category, in_stock=True), RELATED + 1)
    return [card for card in shelf if card.id != product.id][:RELATED]
