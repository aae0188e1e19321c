"""Searching: what somebody looks for, and the products that answer it, in the order that was asked for."""

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

from storefront.catalog.queries import (
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
from storefront.db.dialects import Dialect
from storefront.db.engine import engines
from storefront.db.tenancy import execute, fetch_json, tenant_scoped
from storefront.db.tenant_context import current_tenant_id
from storefront.i18n.content import localize
from storefront.i18n.locale import shopper_languages

MAX_TERMS = 16
TYPEAHEAD_MATCH_LIMIT = 500
"""Matches that are looked at while somebody still types; the index gives them in the catalogue's order."""


class QueryShape(NamedTuple):
    """What a wish asks about; each shape is a statement that is built once."""

    dialect: Dialect
    category: bool
    in_stock: bool
    terms: int
    min_price: bool = False
    max_price: bool = False
    sort: str = ""
    typeahead: bool = False


@dataclass(frozen=True)
class ProductQuery:
    """What somebody looks for: products with all of these words (the last may be the beginning of one).

    Prices are in minor units, and themselves within the range; `sort` is one of `rules.SORTS`. At a `glance` only
    the first of very many matches are looked at.
    """

    q: str = ""
    category: str = ""
    in_stock: bool = False
    min_price: int | None = None
    max_price: int | None = None
    sort: str = ""
    typeahead: bool = False

    @cached_property
    def terms(self) -> list[str]:
        return search_terms(self.q)[:MAX_TERMS]

    @property
    def words(self) -> list[str]:
        """The terms that are words, without symbols."""
        return [term for term in self.terms if not term.startswith(SYMBOL)]

    @property
    def is_unsatisfiable(self) -> bool:
        """Only signs were asked for, and those are nobody's words."""
        return bool(self.q.strip()) and not self.terms

    @property
    def shape(self) -> QueryShape:
        prices = (self.min_price is not None, self.max_price is not None)
        terms = len(self.terms)
        return QueryShape(
            engines().dialect, bool(self.category), self.in_stock, terms, *prices, self.sort, self.typeahead
        )

    def parameters(self) -> dict[str, Any]:
        """The values for a statement of this shape."""
        values: dict[str, Any] = {"category": self.category.replace("\0", "")} if self.category else {}
        if self.min_price is not None:
            values["min_price"] = self.min_price
        if self.max_price is not None:
            values["max_price"] = self.max_price
        if self.terms:
            values["words"] = engines().dialect.search_query(current_tenant_id(), self.terms)
            values |= {f"term_{i}": f"% {term}%" for i, term in enumerate(self.terms)}
        return values


def conditions(shape: QueryShape) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if shape.category:
        found.append(product_columns.category == bindparam("category"))
    if shape.in_stock:
        found.append(product_columns.stock > 0)
    if shape.min_price:
        found.append(product_columns.price >= bindparam("min_price"))
    if shape.max_price:
        found.append(product_columns.price <= bindparam("max_price"))
    if shape.terms:
        limit = TYPEAHEAD_MATCH_LIMIT if shape.typeahead else None
        found.append(shape.dialect.matches_search(product_columns.position, bindparam("words"), limit))
    return found


def sort_columns(shape: QueryShape) -> list[ColumnElement[Any]]:
    """The order that was asked for; names by their folded words, sign by sign, which is the same on both databases."""
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
    """In the order that was asked for, else products whose name has the words come before those that only mention
    them, and then the catalogue's order decides."""
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
    """A page of the shelf, best first: `rows` is how the database says it, and stands for it where it is remembered."""

    rows: str

    def __bool__(self) -> bool:
        return self.rows != "[]"

    @cached_property
    def cards(self) -> list[ProductCard]:
        """In the languages of who reads."""
        languages = shopper_languages()
        return [
            ProductCard(id, localize(name, names, languages), price, stock, image)
            for id, name, price, stock, image, names in json.loads(self.rows)
        ]


def search_products(wish: ProductQuery, limit: int, offset: int = 0) -> SearchResult:
    """What there is for the wish."""
    if wish.is_unsatisfiable:
        return SearchResult("[]")
    return SearchResult(fetch_json(cards_query(wish.shape), {**wish.parameters(), "limit": limit, "offset": offset}))


def fetch_rows_after(wish: ProductQuery, position: int, limit: int) -> str:
    """Products in the catalogue's order, from the one after `position`: stable while others are added. As the database
    says them; `product_views_from_json` reads it."""
    if wish.is_unsatisfiable:
        return "[]"
    return fetch_json(list_query(wish.shape), {**wish.parameters(), "position": position, "limit": limit})


def product_views_from_json(rows: str) -> list[ProductView]:
    """The products that `fetch_rows_after` found, in the languages of who reads."""
    languages = shopper_languages()
    return [product_view_from_row(ProductRow._make(row), languages) for row in json.loads(rows)]


def count_products(wish: ProductQuery) -> int:
    """How many there are; in which order makes no difference."""
    return (
        0
        if wish.is_unsatisfiable
        else int(execute(count_query(wish.shape._replace(sort="")), wish.parameters()).scalar_one())
    )
