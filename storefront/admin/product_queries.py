"""Reads of products for the back office's lists."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import InstrumentedAttribute

from storefront.admin.home_queries import MAX_COUNT, bounded_count
from storefront.catalog.models import LOW_STOCK as LOW_VARIANT
from storefront.catalog.models import Product, ProductStatus, Variant
from storefront.catalog.queries import IS_OFF_SALE, IS_ON_SALE
from storefront.catalog.search import MAX_TERMS
from storefront.catalog.text import search_terms
from storefront.db.base import db, table_of
from storefront.db.engine import engines
from storefront.db.tenant_context import current_tenant_id
from storefront.ids import is_id

PAGE_SIZE = 50
MAX_CHOICES = 8
MAX_SCANNED = 2000
"""Products of which a page of the filter for low stock looks for variants, where many are low."""
LOW_STOCK = "low"
"""The filter for products on sale of which a variant is sold out or nearly so."""
COLUMNS: tuple[InstrumentedAttribute[Any], ...] = (
    *(Product.id, Product.name, Product.category, Product.price, Product.stock, Product.image, Product.status),
    *(Product.options, Product.position),
)


@dataclass(frozen=True)
class ProductFilter:
    """`shown` is a status, `LOW_STOCK`, or empty for all products."""

    q: str = ""
    shown: str = ""
    category: str = ""

    def query_string(self, **more: Any) -> dict[str, Any]:
        return {"q": self.q or None, "status": self.shown or None, "category": self.category or None, **more}


@dataclass(frozen=True)
class ProductPage:
    """Rows of the newest products first, and the positions at which the newer and the older page begin; None if there
    are none."""

    rows: Sequence[Any]
    newer: int | None
    older: int | None
    hidden_stock: dict[str, int]
    """The stock of those that aren't on sale, by id."""
    is_cut: bool = False
    """The page ended because it had looked at `MAX_SCANNED` products."""


def list_products(wanted: ProductFilter, after: int | None = None, before: int | None = None) -> ProductPage:
    """Return a page of products that begins after (or ends before) the one at this position. Of the first page, a
    product whose whole name was searched is the first row."""
    few = wanted.shown == LOW_STOCK and few_are_low()
    key = sort_key(few)
    backwards = before is not None
    start = key > before if backwards else key < after if after is not None else true()
    order = key if backwards else key.desc()
    end = scan_end(wanted, start, order) if wanted.shown == LOW_STOCK and not few else None
    query = select(*COLUMNS).where(*conditions(wanted, few), start).order_by(order)
    if end is not None:
        query = query.where(key <= end if backwards else key >= end)
    rows = list(db.session.execute(query.limit(PAGE_SIZE + 1)))
    if after is None and before is None:
        rows = with_own_id(rows, wanted)
    more, rows = len(rows) > PAGE_SIZE, rows[:PAGE_SIZE]
    further = rows[-1].position if more else end
    if before is not None:
        rows.reverse()
        newer, older = further, rows[-1].position if rows else before + 1
    else:
        back = rows[0].position if rows else (after or 0) - 1
        newer, older = back if after is not None else None, further
    if after is None and before is None:
        rows.sort(key=lambda row: row.name.casefold() != wanted.q.casefold())
    return ProductPage(rows, newer, older, hidden_stock(rows), is_cut=end is not None and not more)


def scan_end(wanted: ProductFilter, start: ColumnElement[bool], order: Any) -> int | None:
    """Return the position of the last product that a page looks at, whatever its stock; None if there are fewer."""
    others = conditions(replace(wanted, shown=ProductStatus.ACTIVE.value))
    query = select(Product.position).where(*others, start).order_by(order)
    return db.session.scalar(query.offset(MAX_SCANNED - 1).limit(1))


def few_are_low() -> bool:
    return bounded_count(select(Variant.product_id).where(LOW_VARIANT)) <= MAX_COUNT


def sort_key(few: bool) -> Any:
    """Return the position, by which products are sorted. If few match, it is an expression that no index has: else the
    database would walk through all products in their order until it has found those few."""
    return Product.position + 0 if few else Product.position


def conditions(wanted: ProductFilter, few: bool = False) -> list[Any]:
    """Return the conditions of the filter. `few`: see `is_low`."""
    found: list[Any] = []
    if wanted.category:
        found.append(Product.category == wanted.category.replace("\0", ""))
    if wanted.shown == LOW_STOCK:
        found += [IS_ON_SALE, is_low(few)]
    elif wanted.shown == ProductStatus.ACTIVE:
        found.append(IS_ON_SALE)
    elif wanted.shown:
        found += [Product.status == wanted.shown, IS_OFF_SALE]
    if terms := search_terms(wanted.q)[:MAX_TERMS]:
        position = table_of(Product).c.position
        found.append(engines().dialect.matches_words(position, current_tenant_id(), terms))
    return found


def with_own_id(rows: list[Any], wanted: ProductFilter) -> list[Any]:
    """Return the rows, first the product whose id was searched. A query for both would scan the whole catalogue."""
    others = conditions(replace(wanted, q=""))
    query = select(*COLUMNS).where(Product.id == wanted.q, *others)
    found = list(db.session.execute(query)) if is_id(wanted.q) else []
    return found + [row for row in rows if row.id != wanted.q]


def is_low(few: bool) -> Any:
    """The condition of a product with a variant that is sold out or nearly so. `ix_variant_low_stock` has them: if they
    are few, all are read from it; else it is asked for each product in turn, until the page is full or has looked
    at `MAX_SCANNED`."""
    low = select(Variant.product_id).where(Variant.tenant_id == current_tenant_id(), LOW_VARIANT)
    if few:
        return Product.id.in_(low)
    # With LIMIT, PostgreSQL can't make a join of it, which took seconds right after an import, before its statistics.
    return low.where(Variant.product_id == Product.id).correlate(Product).limit(1).scalar_subquery().is_not(None)


def hidden_stock(rows: Sequence[Any]) -> dict[str, int]:
    hidden = [row.id for row in rows if row.status != ProductStatus.ACTIVE]
    if not hidden:
        return {}
    query = select(Variant.product_id, func.sum(Variant.stock)).where(Variant.product_id.in_(hidden))
    found = db.session.execute(query.where(Variant.archived_with_product).group_by(Variant.product_id))
    return {id: int(stock) for id, stock in found}


def find_products(typed: str) -> list[tuple[str, str]]:
    """Return (id, name) of products on sale that match what was typed, by name or id."""
    query = select(Product.id, Product.name).where(*conditions(ProductFilter(typed, ProductStatus.ACTIVE.value)))
    return [(id, name) for id, name in db.session.execute(query.order_by(Product.position).limit(MAX_CHOICES))]


def product_names(ids: Sequence[str]) -> dict[str, str]:
    """Return the names of those of the products that exist, by id."""
    query = select(Product.id, Product.name).where(Product.id.in_(ids))
    return {row.id: row.name for row in db.session.execute(query)}
