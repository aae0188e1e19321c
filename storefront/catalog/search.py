"""Product search: criteria, the SQL for both databases, and the results in the requested order."""

import json
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal,
    select,
)

from storefront.catalog.option_filters import OptionFilter, matches_options, option_parameters
from storefront.catalog.queries import (
    IS_ON_SALE,
    PRODUCT_CARD_COLUMNS,
    PRODUCT_VIEW_COLUMNS,
    ProductCard,
    ProductRow,
    ProductView,
    product_columns,
    product_view_from_row,
    products,
)
from storefront.catalog.text import SYMBOL, search_terms
from storefront.catalog.variants import fetch_variant_rows, variants
from storefront.db.dialects import Dialect
from storefront.db.engine import engines
from storefront.db.tenancy import execute, fetch_json, tenant_scoped
from storefront.db.tenant_context import current_tenant_id
from storefront.i18n.content import localize
from storefront.i18n.locale import shopper_languages

MAX_TERMS = 16
TYPEAHEAD_MATCH_LIMIT = 500
"""Matches considered for autocomplete; the index returns them in catalogue order."""
RELATED_LIMIT = 4


class QueryShape(NamedTuple):
    """Which criteria a query has. Each shape is a statement that is built once."""

    dialect: Dialect
    category: bool
    in_stock: bool
    terms: int
    min_price: bool = False
    max_price: bool = False
    sort: str = ""
    typeahead: bool = False
    options: int = 0
    """The number of filters by option."""


@dataclass(frozen=True)
class ProductQuery:
    """Search criteria. Products must have all terms of `q`, the last of which also matches as a prefix.

    Prices are in minor units, inclusive. With `options`, a variant must have all of these values, and the price and
    the stock that are asked for. `sort` is a key of `filters.SORTS`. With `typeahead` only the first
    `TYPEAHEAD_MATCH_LIMIT` matches are considered.
    """

    q: str = ""
    category: str = ""
    in_stock: bool = False
    min_price: int | None = None
    max_price: int | None = None
    sort: str = ""
    typeahead: bool = False
    options: tuple[OptionFilter, ...] = ()

    @cached_property
    def terms(self) -> list[str]:
        return search_terms(self.q)[:MAX_TERMS]

    @property
    def words(self) -> list[str]:
        """The terms that are words, without symbols."""
        return [term for term in self.terms if not term.startswith(SYMBOL)]

    @property
    def is_unsatisfiable(self) -> bool:
        """Whether the query has only punctuation, which nothing matches."""
        return bool(self.q.strip()) and not self.terms

    @property
    def shape(self) -> QueryShape:
        prices = (self.min_price is not None, self.max_price is not None)
        terms = len(self.terms)
        found = QueryShape(
            engines().dialect, bool(self.category), self.in_stock, terms, *prices, self.sort, self.typeahead
        )
        return found._replace(options=len(self.options)) if self.options else found

    def parameters(self) -> dict[str, Any]:
        """Return the bind parameters for the statement of this shape."""
        values: dict[str, Any] = {"category": self.category.replace("\0", "")} if self.category else {}
        if self.min_price is not None:
            values["min_price"] = self.min_price
        if self.max_price is not None:
            values["max_price"] = self.max_price
        if self.terms:
            values["words"] = engines().dialect.search_query(current_tenant_id(), self.terms)
            values |= {f"term_{i}": f"% {term}%" for i, term in enumerate(self.terms)}
        if self.options:
            values |= option_parameters(self.options)
        return values


def conditions(shape: QueryShape) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [IS_ON_SALE]
    if shape.category:
        found.append(product_columns.category == bindparam("category"))
    if shape.options:
        found.append(matches_options(shape.options, *offer_conditions(shape, variants.c)))
    else:
        found += offer_conditions(shape, product_columns)
    if shape.terms:
        limit = TYPEAHEAD_MATCH_LIMIT if shape.typeahead else None
        found.append(shape.dialect.matches_search(product_columns.position, bindparam("words"), limit))
    return found


def offer_conditions(shape: QueryShape, columns: Any) -> list[ColumnElement[bool]]:
    """Return the conditions on stock and price, for these columns of the product or of a variant."""
    found: list[ColumnElement[bool]] = []
    if shape.in_stock:
        found.append(columns.stock > 0)
    if shape.min_price:
        found.append(columns.price >= bindparam("min_price"))
    if shape.max_price:
        found.append(columns.price <= bindparam("max_price"))
    return found


def sort_columns(shape: QueryShape) -> list[ColumnElement[Any]]:
    """Return the sort order; names are sorted by their search terms, by code point, which is equal on both
    databases."""
    if shape.sort == "name":
        return [shape.dialect.by_code_point(product_columns.search_name), product_columns.position]
    orders: dict[str, list[ColumnElement[Any]]] = {
        "price": [product_columns.price, product_columns.position],
        "-price": [product_columns.price.desc(), product_columns.position],
        "new": [product_columns.position.desc()],
    }
    return orders.get(shape.sort, [product_columns.position])


@cache
def cards_query(shape: QueryShape) -> Select[Any]:
    """Return the statement for product cards. Without a requested sort order, products with all terms in the name come
    first, then catalogue order decides."""
    order = sort_columns(shape)
    if shape.terms and not shape.sort:
        padded = literal(" ") + product_columns.search_name
        named = and_(*(padded.like(bindparam(f"term_{i}")) for i in range(shape.terms)))
        order.insert(0, case((named, 0), else_=1))
    query = select(*PRODUCT_CARD_COLUMNS).where(*conditions(shape)).order_by(*order)
    return tenant_scoped(query.limit(bindparam("limit")).offset(bindparam("offset")))


@cache
def list_query(shape: QueryShape) -> Select[Any]:
    query = (
        select(*PRODUCT_VIEW_COLUMNS)
        .where(*conditions(shape), product_columns.position > bindparam("position"))
        .order_by(product_columns.position)
    )
    return tenant_scoped(query.limit(bindparam("limit")))


@cache
def count_query(shape: QueryShape) -> Select[Any]:
    return tenant_scoped(select(func.count()).select_from(products).where(*conditions(shape)))


@dataclass(frozen=True)
class SearchResult:
    """A page of results, best first. `rows` is the database's JSON text, which is also used as cache key."""

    rows: str

    def __bool__(self) -> bool:
        return self.rows != "[]"

    @cached_property
    def cards(self) -> list[ProductCard]:
        """The products in the shopper's languages."""
        languages = shopper_languages()
        return [
            ProductCard(id, localize(name, names, languages), price, stock, image, bool(has_options), prior_price)
            for id, name, price, stock, image, names, has_options, prior_price in json.loads(self.rows)
        ]

    @property
    def has_options(self) -> bool:
        """Whether one of the products has options, so that a filter by option makes sense."""
        return any(card.has_options for card in self.cards)


def search_products(query: ProductQuery, limit: int, offset: int = 0) -> SearchResult:
    """Return the matching products, `limit` from `offset` on."""
    if query.is_unsatisfiable:
        return SearchResult("[]")
    return SearchResult(fetch_json(cards_query(query.shape), {**query.parameters(), "limit": limit, "offset": offset}))


def fetch_rows_after(query: ProductQuery, position: int, limit: int) -> str:
    """Return products in catalogue order after the position `position`, which is stable when products are added.

    The result is the database's JSON text, for `product_views_from_json`."""
    if query.is_unsatisfiable:
        return "[]"
    return fetch_json(list_query(query.shape), {**query.parameters(), "position": position, "limit": limit})


def product_views_from_json(rows: str) -> list[ProductView]:
    """Return the products of `fetch_rows_after`, in the shopper's languages."""
    languages = shopper_languages()
    return [product_view_from_row(ProductRow._make(row), languages) for row in json.loads(rows)]


def fetch_variants_of(rows: str) -> str:
    """Return the variants of those products of `fetch_rows_after` that have options, as JSON text. Where none has,
    which the text shows without being parsed, nothing is read."""
    if '"values":' not in rows:
        return "[]"
    ids = [product.id for product in map(ProductRow._make, json.loads(rows)) if product.options]
    return fetch_variant_rows(ids)


def count_products(query: ProductQuery) -> int:
    """Return the number of matching products."""
    return (
        0
        if query.is_unsatisfiable
        else int(execute(count_query(query.shape._replace(sort="")), query.parameters()).scalar_one())
    )


def related_products(product: ProductView) -> list[ProductCard]:
    """Return other products of its category that are in stock."""
    if not product.category:
        return []
    found = search_products(ProductQuery(category=product.category, in_stock=True), RELATED_LIMIT + 1)
    return [card for card in found.cards if card.id != product.id][:RELATED_LIMIT]
